"""pmo-hub measured side by side with the yardsticks of ../shared/bench; `python -m benchmarks` runs all of it."""
