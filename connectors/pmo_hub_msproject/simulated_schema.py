"""Which properties the simulated site's entities have, of which types: names as the vendor's description of the interface spells them.

A test compares them with that description. `Span` stands for three properties that tell one duration: `Work`, `WorkMilliseconds` and
`WorkTimeSpan`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

MOST_INT32 = 2**31


def _properties(**by_type: str) -> dict[str, str]:
    """Property → type; names of a type stand in one text."""
    return {name: kind for kind, names in by_type.items() for name in names.split()}


PROJECT_SERVER: Mapping[str, Mapping[str, str]] = {
    "PublishedProject": _properties(
        DateTime="""
            ApprovedEnd ApprovedStart CheckedOutDate CreatedDate DefaultFinishTime DefaultStartTime LastPublishedDate
            LastSavedDate CurrentDate FinishDate StartDate StatusDate UtilizationDate""",
        Boolean="""
            CalculateActualCosts CalculatesActualCosts HasMppPendingImport HonorConstraints IsCheckedOut MoveActualIfLater
            MoveActualToStatus MoveRemainingIfEarlier MoveRemainingToStatus MultipleCriticalPaths SplitInProgress
            SpreadActualCostsToStatus SpreadPercentCompleteToStatus DefaultEffortDriven DefaultEstimatedDuration
            IsEnterpriseProject NewTasksAreManual NumberFiscalYearFromStart ProtectedActualsSynch ScheduledFromStart
            ShowEstimatedDurations""",
        String="CheckOutDescription ProjectSiteUrl CurrencyCode CurrencySymbol Description Name OwnerId ProjectIdentifier",
        Guid="CheckOutId Id ListId SummaryTaskId TaskListId WebId EnterpriseProjectTypeId",
        Int32="""
            CriticalSlackLimit DefaultOvertimeRateUnits DefaultStandardRateUnits OptimizerDecision PercentComplete PlannerDecision
            ProjectType CurrencyDigits CurrencyPosition DefaultFixedCostAccrual DefaultTaskType DefaultWorkFormat MinutesPerDay
            MinutesPerWeek TrackingMode UtilizationType""",
        Int16="DaysPerMonth FiscalYearStartMonth WeekStartDay",
        Double="DefaultOvertimeRate DefaultStandardRate",
        Decimal="WinprojVersion",
    ),
    "PublishedTask": _properties(
        Double="""
            ActualCostWorkPerformed ActualOvertimeCost BaselineCost BudgetCost BudgetedCostWorkPerformed BudgetedCostWorkScheduled
            CostPerformanceIndex CostVariance CostVarianceAtCompletion CurrentCostVariance EstimateAtCompletion OvertimeCost
            RemainingCost RemainingOvertimeCost ScheduleCostVariance SchedulePerformanceIndex ToCompletePerformanceIndex
            ActualCost Cost FixedCost""",
        Span="""
            ActualDuration ActualOvertimeWork BaselineDuration BaselineWork DurationVariance FinishSlack FinishVariance FreeSlack
            LevelingDelay OvertimeWork RegularWork RemainingOvertimeWork RemainingWork ScheduledDuration StartSlack StartVariance
            TotalSlack WorkVariance ActualWork BudgetWork Duration RemainingDuration Work""",
        DateTime="""
            BaselineFinish BaselineStart Created EarliestFinish EarliestStart LatestFinish LatestStart Modified PreLevelingFinish
            PreLevelingStart Resume ScheduledFinish ScheduledStart Stop ActualFinish ActualStart Completion ConstraintStartEnd
            Deadline Finish Start""",
        String="Contact Notes OutlinePosition WorkBreakdownStructure FinishText Name StartText",
        Int32="""
            CostVariancePercentage FixedCostAccrual PercentWorkComplete ScheduleVariancePercentage ConstraintType OutlineLevel
            PercentComplete PercentPhysicalWorkComplete Priority TaskType""",
        Guid="ExternalProjectUid ExternalTaskUid Id",
        Boolean="""
            IgnoreResourceCalendar IsCritical IsDurationEstimate IsExternalTask IsOverAllocated IsRecurring IsRecurringSummary
            IsRolledUp IsSubProject IsSubProjectReadOnly IsSubProjectScheduledFromFinish IsSummary IsActive IsEffortDriven
            IsLockedByManager IsManual IsMarked IsMilestone LevelingAdjustsAssignments LevelingCanSplit
            UsePercentPhysicalWorkComplete""",
    ),
    "PublishedAssignment": _properties(
        Double="""
            ActualCostWorkPerformed ActualOvertimeCost BaselineCost BaselineCostPerUse BudgetedCostWorkPerformed
            BudgetedCostWorkScheduled CostVariance CostVarianceAtCompletion CurrentCostVariance OvertimeCost RemainingCost
            RemainingOvertimeCost ScheduleCostVariance ActualCost BudgetedCost Cost ResourceCapacity""",
        DateTime="BaselineFinish BaselineStart Created Finish Modified Resume Start Stop ActualFinish ActualStart",
        Span="""
            BaselineWork FinishVariance LevelingDelay StartVariance WorkVariance ActualOvertimeWork ActualWork BudgetedWork Delay
            OvertimeWork RegularWork RemainingOvertimeWork RemainingWork Work""",
        Guid="Id",
        Boolean="IsConfirmed IsOverAllocated IsPublished IsResponsePending IsUpdateNeeded IsLockedByManager IsWorkResource",
        String="Notes",
        Int32="WorkContourType CostRateTable DefaultBookingType PercentWorkComplete",
    ),
    "PublishedProjectResource": _properties(
        Double="""
            ActualCost ActualOvertimeCost BaselineCost BudetCostWorkPerformed BudgetedCost BudgetedCostWorkScheduled Cost
            CostVariance CostVarianceAtCompletion CurrentCostVariance OvertimeCost RemainingCost RemainingOvertimeCost
            ScheduleCostVariance CostPerUse MaximumCapacity OvertimeRate StandardRate""",
        Span="""
            ActualCostWorkPerformed ActualOvertimeWork ActualWork BaselineWork BudgetedWork OvertimeWork PeakWork RegularWork
            RemainingOvertimeWork RemainingWork Work WorkVariance""",
        DateTime="AvailableFrom AvailableTo Created Finish Modified Start",
        Guid="Id",
        Boolean="IsBudgeted IsGenericResource IsOverAllocated CanLevel",
        String="Notes Code CostCenter Email Group Initials MaterialLabel Name Phonetics",
        Int32="PercentWorkComplete CostAccrual DefaultBookingType OvertimeRateUnits StandardRateUnits",
    ),
    "PublishedTaskLink": _properties(
        Guid="Id PredecessorTaskId ProjUid SuccessorTaskId",
        Int32="DependencyType LinkLag",
        String="LinkLagDuration",
        Int16="LinkLagFmt",
    ),
    "EnterpriseResource": _properties(
        Boolean="CanLevel IsActive IsBudget IsCheckedOut IsGeneric IsTeam RequiresEngagements",
        String="Code CostCenter Email ExternalId Group HyperlinkName HyperlinkUrl Initials MaterialLabel Name Phonetics",
        Int32="CostAccrual DefaultBookingType ResourceIdentifier ResourceType",
        DateTime="Created HireDate Modified TerminationDate",
        Guid="Id",
    ),
    "Stage": _properties(
        Int32="Behavior",
        Boolean="CheckInRequired",
        String="Description Name SubmitDescription",
        Guid="Id",
    ),
    "Phase": _properties(
        String="Description Name",
        Guid="Id",
    ),
    "Calendar": _properties(
        DateTime="Created Modified",
        Guid="Id OriginalId",
        Boolean="IsStandardCalendar",
        String="Name",
    ),
    "BaseCalendarException": _properties(
        DateTime="Finish Start",
        Int32="""
            Id RecurrenceDays RecurrenceFrequency RecurrenceMonth RecurrenceMonthDay RecurrenceType RecurrenceWeek Shift1Finish
            Shift1Start Shift2Finish Shift2Start Shift3Finish Shift3Start Shift4Finish Shift4Start Shift5Finish Shift5Start""",
        String="Name",
    ),
    "CustomField": _properties(
        Guid="AppAlternateId DepartmentId EntityTypeId Id LookupDefaultValue LookupTableId",
        String="""
            Description Formula GraphicalIndicatorNonSummary GraphicalIndicatorProjectSummary GraphicalIndicatorSummary
            InternalName Name""",
        Int32="FieldType RollupType",
        Boolean="""
            IsEditableInVisibility IsLeafOnly IsMultilineText IsRequired IsWorkflowControlled LookupAllowMultiSelect
            RollsDownToAssignments ShowToolTip UseFieldForMatching""",
    ),
    "LookupText": _properties(
        Guid="AppAlternateId Id",
        String="Description FullValue InternalName Value",
        Decimal="SortIndex",
        Boolean="HasChildren",
    ),
}

PROJECT_DATA: Mapping[str, Mapping[str, str]] = {
    "Project": _properties(
        String="""
            EnterpriseProjectTypeDescription EnterpriseProjectTypeName OptimizerDecisionName OptimizerSolutionName
            PlannerDecisionName PlannerSolutionName ProjectAuthorName ProjectCategoryName ProjectCompanyName ProjectCurrency
            ProjectDepartments ProjectDescription ProjectKeywords ProjectManagerName ProjectName ProjectOwnerName
            ProjectWorkspaceInternalUrl ProjectSubject ProjectTitle""",
        Guid="""
            EnterpriseProjectTypeId OptimizerDecisionAliasLookupTableId OptimizerDecisionAliasLookupTableValueId ParentProjectId
            PlannerDecisionAliasLookupTableId PlannerDecisionAliasLookupTableValueId ProjectId ProjectOwnerId""",
        Boolean="EnterpriseProjectTypeIsDefault ProjectCalculationsAreStale ProjectEarnedValueIsStale ProjectEnterpriseFeatures",
        DateTime="""
            OptimizerCommitDate PlannerCommitDate PlannerEndDate PlannerStartDate ProjectActualFinishDate ProjectActualStartDate
            ProjectCreatedDate ProjectEarlyFinish ProjectEarlyStart ProjectFinishDate ProjectLateFinish ProjectLateStart
            ProjectModifiedDate ProjectStartDate ProjectStatusDate ResourcePlanUtilizationDate""",
        Byte="OptimizerDecisionID PlannerDecisionID",
        Decimal="""
            ProjectActualCost ProjectActualDuration ProjectActualOvertimeCost ProjectActualOvertimeWork ProjectActualRegularCost
            ProjectActualRegularWork ProjectActualWork ProjectACWP ProjectBCWP ProjectBCWS ProjectBudgetCost ProjectBudgetWork
            ProjectCost ProjectCostVariance ProjectCPI ProjectCV ProjectCVP ProjectDuration ProjectDurationVariance ProjectEAC
            ProjectFinishVariance ProjectFixedCost ProjectOvertimeCost ProjectOvertimeWork ProjectRegularCost ProjectRegularWork
            ProjectRemainingCost ProjectRemainingDuration ProjectRemainingOvertimeCost ProjectRemainingOvertimeWork
            ProjectRemainingRegularCost ProjectRemainingRegularWork ProjectRemainingWork ProjectResourcePlanWork ProjectSPI
            ProjectStartVariance ProjectSV ProjectSVP ProjectTCPI ProjectVAC ProjectWork ProjectWorkVariance""",
        Int32="ProjectCalendarDuration ProjectType",
        Int16="ProjectPercentCompleted ProjectPercentWorkCompleted ResourcePlanUtilizationType",
    ),
    "TaskBaseline": _properties(
        Int32="BaselineNumber",
        Guid="ProjectId TaskId",
        String="ProjectName TaskBaselineDurationString TaskBaselineFinishDateString TaskBaselineStartDateString TaskName",
        Decimal="""
            TaskBaselineBudgetCost TaskBaselineBudgetWork TaskBaselineCost TaskBaselineDuration TaskBaselineFixedCost
            TaskBaselineWork""",
        DateTime="TaskBaselineDeliverableFinishDate TaskBaselineDeliverableStartDate TaskBaselineFinishDate TaskBaselineStartDate",
    ),
    "Risk": _properties(
        String="""
            AssignedToResource Category ContingencyPlan CreateByResource Description ItemRelativeUrlPath MitigationPlan
            ModifiedByResource Owner ProjectName Status Title TriggerDescription TriggerTask""",
        Double="Cost CostExposure Exposure Impact Probability",
        DateTime="CreatedDate DueDate ModifiedDate",
        Boolean="IsFolder",
        Int32="NumberOfAttachments",
        Guid="ProjectId RiskId",
    ),
    "Issue": _properties(
        String="""
            AssignedToResource Category CreateByResource Discussion ItemRelativeUrlPath ModifiedByResource Owner Priority
            ProjectName Resolution Status Title""",
        DateTime="CreatedDate DueDate ModifiedDate",
        Boolean="IsFolder",
        Guid="IssueId ProjectId",
        Int32="NumberOfAttachments",
    ),
    "TaskTimephasedData": _properties(
        Guid="ProjectId TaskId",
        String="ProjectName TaskName",
        DateTime="TaskActualCost TimeByDay",
        Decimal="TaskActualWork TaskBudgetCost TaskBudgetWork TaskCost TaskOvertimeWork TaskResourcePlanWork TaskWork",
        Boolean="TaskIsActive",
    ),
    "TaskBaselineTimephasedData": _properties(
        Int32="BaselineNumber",
        Guid="ProjectId TaskId",
        String="ProjectName TaskName",
        Decimal="TaskBaselineBudgetCost TaskBaselineBudgetWork TaskBaselineCost TaskBaselineFixedCost TaskBaselineWork",
        DateTime="TimeByDay",
    ),
    "ProjectWorkflowStageData": _properties(
        DateTime="LastModifiedDate StageCompletionDate StageEntryDate",
        Int32="LCID StageOrder StageStatus",
        String="PhaseDescription PhaseName ProjectName StageDescription StageInformation StageName StageStateDescription",
        Guid="ProjectId StageId",
    ),
}

DEFAULTS: Mapping[str, object] = {
    "String": None, "DateTime": "0001-01-01T00:00:00", "Guid": "00000000-0000-0000-0000-000000000000", "Boolean": False, "Int32": 0,
    "Int16": 0, "Byte": 0, "Double": 0.0, "Decimal": "0.000000", "Span": 0.0,
}  # fmt: skip
"""What a property has that was never set."""

SUFFIXES = ("", "Milliseconds", "TimeSpan")


@lru_cache(maxsize=64)
def columns(entity: str) -> Mapping[str, tuple[str, str]]:
    """Every property of the entity as the wire has it → the property that it tells, and in which way: a type, or a way of a span."""
    found = {}
    for name, kind in (PROJECT_SERVER.get(entity) or PROJECT_DATA[entity]).items():
        if kind == "Span":
            found.update({f"{name}{suffix}": (name, f"Span{suffix}") for suffix in SUFFIXES})
        else:
            found[name] = (name, kind)
    return found


@lru_cache(maxsize=8_192)
def span(hours: float, way: str, elapsed: bool = False) -> object:
    """One duration in one of its three ways. Milliseconds that don't fit into 32 bits wrap around, as they do in Project Server."""
    if way == "SpanMilliseconds":
        return (round(hours * 3_600_000) + MOST_INT32) % (2 * MOST_INT32) - MOST_INT32
    if way == "SpanTimeSpan":
        minutes = round(abs(hours) * 60)
        days, hours_left, minutes_left = minutes // 1440, minutes % 1440 // 60, minutes % 60
        time = "".join(f"{n}{unit}" for n, unit in ((hours_left, "H"), (minutes_left, "M")) if n)
        text = f"P{f'{days}D' if days else ''}{f'T{time}' if time else ''}"
        return f"{'-' if hours < 0 else ''}{'PT0S' if text == 'P' else text}"
    return f"{hours / (24.0 if elapsed else 8.0):g}{'ed' if elapsed else 'd'}"
