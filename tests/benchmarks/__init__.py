"""What the service costs, as ratios to the least that would do: `python -m tests.benchmarks`.

`harness` starts processes and reads what they use, `load` asks them, `bare` is the server that
does nothing, `limits` the least that a batch could do, `cases` says what is measured, `report`
prints it. To add a figure, write it in `cases` and give it a line in `report`.

Finding is measured at several sizes: `filled` keeps the databases, `questions` says what is asked,
`rivals` is the same list written otherwise, `discovery` measures, `figures` holds the goals and
prints the table. To add a figure there, name it in `figures` and measure it in `discovery`; those
of files of all listings are measured in `exports`.
"""
