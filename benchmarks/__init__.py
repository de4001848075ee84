"""Speed and size, beside the peers in one run: `make bench` or `python -m benchmarks`.

Each module measures one group of figures and returns rows; `report` prints
them with ratios, conditions and goals. `docs/performance.md` says how to read
them. Only the standard library is used, and Paddock as installed.
"""
