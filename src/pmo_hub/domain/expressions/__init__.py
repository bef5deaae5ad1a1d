"""The rule language: a typed subset of CEL, three-valued (true, false, unknown), compiled to closures.

What it leaves out of CEL: `null` (None is unknown: `known(x)` asks), indexing, maps, bytes, unsigned numbers, `map`, regular
expressions and user-made functions. What it adds: calendar dates, int and double that mix, and the functions of `functions`.
"""

from pmo_hub.domain.expressions.closures import Fault, Unknown
from pmo_hub.domain.expressions.evaluation import Expression, Leaf, Outcome, compile_expression
from pmo_hub.domain.expressions.syntax import ExpressionError, LimitExceeded, ParseError, TypeMismatch, UnknownName
from pmo_hub.domain.expressions.types import ListOf, Record, Scalar, Schema, Type

__all__ = [
    "Expression",
    "ExpressionError",
    "Fault",
    "Leaf",
    "LimitExceeded",
    "ListOf",
    "Outcome",
    "ParseError",
    "Record",
    "Scalar",
    "Schema",
    "Type",
    "TypeMismatch",
    "Unknown",
    "UnknownName",
    "compile_expression",
]
