"""The words of the workbench: operator, problem, method, recipe, run. No Qt, no neural network."""
