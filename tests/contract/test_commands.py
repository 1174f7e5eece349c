"""The commands, their arguments and their options."""

import re
import subprocess
import sys

BOX = re.compile(r"│ (?:\* )? *(\S.*?) *│")
EVERYWHERE = "Options of every command"


def boxes(text: str) -> dict[str, list[list[str]]]:
    """The boxes of a help text by title, each line as its name and its text."""
    found: dict[str, list[list[str]]] = {}
    title = ""
    for line in text.splitlines():
        if line.startswith("╭"):
            title = line.strip("╭─╮ ")
            found[title] = []
        elif match := BOX.fullmatch(line):
            found[title].append(re.split(r" {2,}", match[1], maxsplit=1))
    return found


def inputs(lines: list[list[str]]) -> list[str]:
    """Names with their kinds, and which are required or have fixed choices; without the texts."""
    return [
        " ".join([line[0], *re.findall(r"\[(?:choices: .*?|required)\]", line[1] if len(line) > 1 else "")])
        for line in lines
    ]


def test_commands_arguments_and_options(penstock, golden):
    found = {}

    def look(*words: str) -> None:
        if words == ("sandbox",):
            return
        answer = penstock(*words, "--help")
        assert (answer.code, answer.err) == (0, "")
        listed = boxes(answer.out)
        everywhere = inputs(listed.pop(EVERYWHERE))
        commands = sorted(line[0] for lines in listed.values() for line in lines if re.match("[a-z]", line[0]))
        if not words:
            found["every command"] = everywhere
        if not commands:
            found[" ".join(words)] = [each for lines in listed.values() for each in inputs(lines)]
        for name in commands:
            look(*words, name)

    look()
    command = [sys.executable, "-m", "penstock", "sandbox", "--help"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found["sandbox"] = sorted({*re.findall(r"^  (-.+?)(?:  .*)?$", text, re.MULTILINE)})
    golden("commands", dict(sorted(found.items())))
