"""Makes the outline of the world that the page's map draws, from Natural Earth (public domain).

Usage: python tools/land_outline.py countries-50m.json services/inference/web/views/library/land.js

The input is a file of the npm package `world-atlas` (`npm pack world-atlas@2.0.2`), Natural Earth 4.1.0 at 1:50 million
as TopoJSON. The output has two SVG paths in twentieths of a degree, north up: the land, and the borders of countries.
"""

import json
import math
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

Point = tuple[float, float]

UNITS = 20
"""To a degree: finer than the 1:50 million are right."""
TOLERANCE = 1.2
"""Units by which a line may differ from the original."""
LEAST_ISLAND = 8.0
"""Square units: smaller ones are dots on no screen."""


def arcs_of(topology: dict[str, Any]) -> list[list[Point]]:
    """Each as points (x, y) in units, x to the east and y to the south."""
    (scale_x, scale_y), (origin_x, origin_y) = topology["transform"]["scale"], topology["transform"]["translate"]
    arcs = []
    for steps in topology["arcs"]:
        x = y = 0
        arc = []
        for dx, dy in steps:
            x, y = x + dx, y + dy
            arc.append(((x * scale_x + origin_x) * UNITS, -(y * scale_y + origin_y) * UNITS))
        arcs.append(arc)
    return arcs


def simplified(line: list[Point]) -> list[Point]:
    """After Douglas and Peucker (1973); its ends stay, so that lines that met still meet."""
    if len(line) < 3:
        return line
    (ax, ay), (bx, by) = line[0], line[-1]
    length = math.hypot(bx - ax, by - ay)

    def off(point: Point) -> float:
        x, y = point
        if length == 0:
            return math.hypot(x - ax, y - ay)
        return abs((bx - ax) * (ay - y) - (ax - x) * (by - ay)) / length

    farthest = max(range(1, len(line) - 1), key=lambda i: off(line[i]))
    if off(line[farthest]) < TOLERANCE:
        return [line[0], line[-1]]
    return simplified(line[: farthest + 1])[:-1] + simplified(line[farthest:])


def area(ring: list[Point]) -> float:
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(ring, ring[1:] + ring[:1], strict=True))) / 2


def unwrapped(ring: list[Point]) -> list[list[Point]]:
    """A ring without jumps across the date line, and the same on its other side; closed where it goes around a pole."""
    world = 360 * UNITS
    whole, turns = ring[:1], 0
    for (before, _), (x, y) in pairwise(ring):
        turns += (x - before < -world / 2) - (x - before > world / 2)
        whole.append((x + turns * world, y))
    if abs(whole[-1][0] - whole[0][0]) > world / 2:
        pole = math.copysign(90 * UNITS, whole[0][1])
        return [[*whole, (whole[-1][0], pole), (whole[0][0], pole)]]
    side = max(whole)[0] > world / 2
    other = -world if side else world
    crosses = side or min(whole)[0] < -world / 2
    return [whole, [(x + other, y) for x, y in whole]] if crosses else [whole]


def path(line: list[Point]) -> str:
    """Relative steps between whole units; empty where nothing is left of it."""
    points = [(round(x), round(y)) for x, y in line]
    steps = [(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(points) if b != a]
    if not steps:
        return ""
    numbers = " ".join(f"{dx} {dy}" for dx, dy in steps).replace(" -", "-")
    return f"M{points[0][0]} {points[0][1]}l{numbers}"


def polygons(geometry: dict[str, Any]) -> Iterator[list[list[int]]]:
    if geometry["type"] == "GeometryCollection":
        for inner in geometry["geometries"]:
            yield from polygons(inner)
    elif geometry["type"] == "Polygon":
        yield geometry["arcs"]
    elif geometry["type"] == "MultiPolygon":
        yield from geometry["arcs"]


def main(source: Path, target: Path) -> None:
    topology = json.loads(source.read_text(encoding="utf-8"))
    original = arcs_of(topology)
    arcs = [simplified(arc) for arc in original]

    def joined(numbers: list[int]) -> list[Point]:
        points: list[Point] = []
        for number in numbers:
            arc = arcs[number] if number >= 0 else arcs[~number][::-1]
            points += arc[1:] if points else arc
        return points

    rings = [joined(numbers) for polygon in polygons(topology["objects"]["land"]) for numbers in polygon]
    shown = [one for ring in rings for one in unwrapped(ring) if area(one) >= LEAST_ISLAND]
    land = "".join(f"{path(one)}z" for one in shown)
    used = Counter(
        number if number >= 0 else ~number
        for polygon in polygons(topology["objects"]["countries"])
        for numbers in polygon
        for number in numbers
    )
    borders = "".join(path(arcs[number]) for number, times in used.items() if times > 1)
    target.write_text(
        "/* The land and the borders between countries, by Natural Earth (public domain). "
        "Made by tools/land_outline.py, in twentieths of a degree. */\n\n"
        f"export const UNITS = {UNITS};\n"
        f'export const land =\n  "{land}";\n'
        f'export const borders =\n  "{borders}";\n',
        encoding="utf-8",
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
