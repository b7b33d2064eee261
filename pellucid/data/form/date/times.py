"""The pattern of the times that follow a date, with brackets around what some texts lack."""

from collections.abc import Mapping

Time = tuple[str, bool]
"""The pattern of a time, such as " %H:%M", "" for none; and whether a time zone follows."""


def merged(date: str, rows: Mapping[Time, int]) -> tuple[str, int]:
    """One pattern for a date and the times of a column, and the rows that it reads.

    Times with and without seconds, a zone, or the time itself are one way of writing. Of several
    ways (24 hours, AM and PM) the commonest is taken.
    """
    ways: dict[str, dict[Time, int]] = {}
    for time, count in rows.items():
        ways.setdefault(_way(time[0]), {})[time] = count
    bare = sum(ways.pop("", {}).values())
    if not ways:
        return date, bare
    way = max(ways.values(), key=lambda times: sum(times.values()))
    text = f"[{_one_pattern(way)}]" if bare else _one_pattern(way)
    before = any(time.endswith(" ") for time, _ in way)
    return (text + date if before else date + text), bare + sum(way.values())


def _way(time: str) -> str:
    """The way of writing a time, without its seconds; `T` and a space before it are one."""
    return _without_seconds(time).replace("T%H", " %H")


def _without_seconds(time: str) -> str:
    return time.replace(":%S", "").replace(".%S", "").replace("%S", "")


def _one_pattern(times: Mapping[Time, int]) -> str:
    """The pattern that reads all of these times, which are of one way."""
    commonest = max(times, key=lambda time: times[time])[0]
    longest = max(times, key=lambda time: len(time[0]))[0]
    text = longest.replace("T%H", " %H") if commonest.startswith(" ") else longest
    if any(_without_seconds(time) == time for time, _ in times) and "%S" in longest:
        mark = longest[longest.index("%S") - 1]
        seconds = f"{mark}%S" if mark in ":." else "%S"
        text = text.replace(seconds, f"[{seconds}]")
    zones = {zone for _, zone in times}
    return text + ("[%z]" if len(zones) == 2 else "%z" if True in zones else "")
