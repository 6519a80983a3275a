#!/usr/bin/env python3
"""Moments and how Python writes them, for StreamIssuingTests.

    generate.py    writes moments.tsv beside this file: seconds, RFC 3339, ISO 8601 basic; a second run writes the same
"""
import datetime
import pathlib
import random

EPOCH = datetime.datetime(1970, 1, 1)
# Python knows the years 1 to 9999.
FIRST = int((datetime.datetime(1, 1, 1) - EPOCH).total_seconds())
LAST = int((datetime.datetime(9999, 12, 31, 23, 59, 59) - EPOCH).total_seconds())


def moments():
    chosen = [FIRST, LAST, 0, -1, 1, 951782399, 951782400, 4107542399, 4107542400]
    for year in (4, 100, 400, 1600, 1900, 1968, 1972, 2000, 2023, 2024, 2025, 2026, 2038, 2100, 2400, 9996):
        for moment in (
            datetime.datetime(year, 1, 1),
            datetime.datetime(year, 2, 28, 23, 59, 59),
            datetime.datetime(year, 3, 1) - datetime.timedelta(seconds=1),
            datetime.datetime(year, 3, 1),
            datetime.datetime(year, 12, 31, 23, 59, 59),
        ):
            chosen.append(int((moment - EPOCH).total_seconds()))
    generator = random.Random(20260108)
    chosen += [generator.randrange(0, 4102444800) for _ in range(100)]
    chosen += [generator.randrange(FIRST, LAST + 1) for _ in range(100)]
    return sorted(set(chosen))


if __name__ == "__main__":
    lines = []
    for seconds in moments():
        moment = EPOCH + datetime.timedelta(seconds=seconds)
        basic = f"{moment.year:04}{moment.month:02}{moment.day:02}T{moment.hour:02}{moment.minute:02}{moment.second:02}Z"
        lines.append(f"{seconds}\t{moment.isoformat()}Z\t{basic}\n")
    pathlib.Path(__file__).with_name("moments.tsv").write_text("".join(lines), "ascii")
