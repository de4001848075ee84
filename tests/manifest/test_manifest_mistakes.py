"""Every mistake of a manifest is reported, where it stands and in plain words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from paddock.errors import ManifestError
from paddock.manifest.problems import ManifestMistakes
from paddock.manifest.reader import read

# Three lines, so a case's own text begins in line 4.
HEAD = 'spin_manifest_version = 2\n[application]\nname = "a"\n'
COMPONENT = '[component.c]\nsource = "c.wasm"\n'


@dataclass(frozen=True)
class Case:
    """`text` follows HEAD (unless `whole`); `line` and `parts` belong to one problem."""

    text: str
    line: int
    parts: tuple[str, ...]
    name: str = "paddock.toml"
    whole: bool = False


def trigger(lines: str) -> str:
    return f"[[trigger.http]]\n{lines}\n{COMPONENT}"


CASES: dict[str, Case] = {
    "unknown key at the top": Case("[compnent.x]\n", 4, ("compnent: unknown key", "'component'?")),
    "unknown key that is empty": Case('"" = 1\n', 1, ("'': unknown key",), whole=True),
    "unknown key of a character that is none": Case(
        '"\\u0000" = 1\n', 1, (r"'\x00': unknown key",), whole=True
    ),
    "unknown key in brackets": Case('"[key]" = 1\n', 1, ("'[key]': unknown key",), whole=True),
    "unknown key of the application": Case(
        "verzion = '1'\n", 4, ("application.verzion", "version")
    ),
    "unknown key of a component": Case(
        COMPONENT + "enviroment = {}\n",
        6,
        ("component.c.enviroment", "did you mean 'environment'?"),
    ),
    "unknown key that resembles nothing": Case(
        COMPONENT + "qqq = 1\n", 6, ("component.c.qqq: unknown key", "known keys of 'component.c'")
    ),
    "unknown key of a trigger": Case(
        trigger('rout = "/"\nroute = "/"\ncomponent = "c"'), 5, ("[0].rout", "'route'?")
    ),
    "unknown key of an inline component": Case(
        trigger('route = "/"\ncomponent = { sourc = "x" }'), 6, (".component.sourc", "'source'?")
    ),
    "unknown key of limits": Case(
        COMPONENT + 'limits.memry = "1MiB"\n', 6, ("limits.memry", "'memory'?")
    ),
    "unknown key of build": Case(
        COMPONENT + '[component.c.build]\ncommand = "x"\nwach = []\n', 8, ("build.wach", "'watch'?")
    ),
    "unknown key of a variable": Case(
        '[variables]\nx = { default = "", secrt = true }\n', 5, ("variables.x.secrt", "'secret'?")
    ),
    "no name": Case(
        "spin_manifest_version = 2\n[application]\n",
        2,
        ("application.name: is required",),
        whole=True,
    ),
    "no application": Case(
        "spin_manifest_version = 2\n", 1, ("application: is required",), whole=True
    ),
    "no version": Case(
        '[application]\nname = "a"\n', 1, ("version", "'paddock_manifest_version = 1'"), whole=True
    ),
    "no version in a spin.toml": Case(
        'paddock_manifest_version = 1\n[application]\nname = "a"\n',
        1,
        ("version", "'spin_manifest_version = 2'"),
        name="spin.toml",
        whole=True,
    ),
    "version 1 of Spin": Case(
        '\nspin_manifest_version = "1"\nname = "a"\n', 1, ("trigger.type", "required"), whole=True
    ),
    "version 1 of Spin by its older key": Case(
        'spin_version = "1"\nnam = "a"\n', 2, ("nam: unknown key", "'name'?"), whole=True
    ),
    "a version to come": Case(
        "paddock_manifest_version = 2\n", 1, ("newer than this", "upgrade"), whole=True
    ),
    "source missing": Case("[component.c]\n", 4, ("component.c.source: is required",)),
    "source of a wrong type": Case(
        "[component.c]\nsource = 3\n", 5, ("must be a path, { url, digest }",)
    ),
    "digest of a wrong form": Case(
        '[component.c]\nsource = { url = "https://x/y", digest = "md5:1" }\n',
        5,
        ("digest", "sha256"),
    ),
    "text where a table belongs": Case('component = "x"\n', 4, ("unknown key",)),
    "number where text belongs": Case(
        COMPONENT + "environment = { A = 1 }\n",
        6,
        ("component.c.environment.A: must be a string, not an integer",),
    ),
    "text where an array belongs": Case(
        COMPONENT + 'key_value_stores = "default"\n', 6, ("must be an array, not a string",)
    ),
    "component id not in kebab-case": Case(
        '[component.My_App]\nsource = "x"\n', 4, ("'My_App' is not in kebab-case", "'my-app'")
    ),
    "variable name not in snake case": Case(
        "[variables]\nApi-Key = { default = '' }\n", 5, ("'Api-Key'", "'api_key'")
    ),
    "variable without default": Case("[variables]\nx = {}\n", 5, ("neither a default",)),
    "variable with default and required": Case(
        '[variables]\nx = { required = true, default = "" }\n',
        5,
        ("has a default and is required",),
    ),
    "trigger of no component": Case(
        trigger('route = "/"\ncomponent = "see"').replace("[component.c]", "[component.sea]"),
        6,
        ("no component 'see'", "did you mean 'sea'?"),
    ),
    "trigger of another type of no component": Case(
        '[[trigger.redis]]\nchannel = "a"\ncomponent = "c"\n',
        6,
        ("no component 'c'", "no components"),
    ),
    "variable not declared": Case(
        '[variables]\napi_url = { default = "" }\n'
        + COMPONENT
        + 'variables = { url = "{{ api_uri }}" }\n',
        8,
        ("component.c.variables.url", "no variable 'api_uri'", "did you mean 'api_url'?"),
    ),
    "variable of a grant not declared": Case(
        COMPONENT + 'allowed_outbound_hosts = [\n  "http://a",\n  "https://{{ x }}",\n]\n',
        8,
        ("allowed_outbound_hosts[1]", "no variable 'x'", "[variables.x]"),
    ),
    "template not closed": Case(
        COMPONENT + 'variables = { a = "{{ x" }\n', 6, ("not closed", "{{ name }}")
    ),
    "route without a slash": Case(
        trigger('route = "a"\ncomponent = "c"'), 5, ("does not start with '/'", "'/a'")
    ),
    "wildcard in the middle": Case(
        trigger('route = "/.../a"\ncomponent = "c"'), 5, ("not its last segment",)
    ),
    "parameter twice": Case(trigger('route = "/:a/:a"\ncomponent = "c"'), 5, ("':a' twice",)),
    "reserved route": Case(
        trigger('route = "/.well-known/spin/health"\ncomponent = "c"'), 5, ("reserved",)
    ),
    "no route": Case(trigger('component = "c"'), 4, ("trigger.http[0].route: is required",)),
    "a route that is not private": Case(
        trigger('route = { private = false }\ncomponent = "c"'), 5, ("private: must be true",)
    ),
    "nothing that answers": Case(trigger('route = "/"'), 4, ("nothing answers", "static_response")),
    "two that answer": Case(
        trigger('route = "/"\ncomponent = "c"\nstatic_response = {}'), 7, ("leave one of the two",)
    ),
    "two triggers for the same request": Case(
        trigger('route = "/a/:x"\ncomponent = "c"') + '[[trigger.http]]\nroute = "/a/:y/"\n'
        'component = "c"\n',
        10,
        ("answers the same requests as trigger.http[0] in line 5", "different methods"),
    ),
    "two triggers of one id": Case(
        trigger('id = "x"\nroute = "/a"\ncomponent = "c"')
        + '[[trigger.http]]\nid = "x"\nroute = "/b"\ncomponent = "c"\n',
        11,
        ("id 'x' is taken by trigger.http[0] in line 4",),
    ),
    "not a method": Case(
        trigger('route = "/"\nmethods = ["GET "]\ncomponent = "c"'), 6, ("not an HTTP method",)
    ),
    "no methods": Case(
        trigger('route = "/"\nmethods = []\ncomponent = "c"'), 6, ("methods: must not be empty",)
    ),
    "not a host": Case(
        trigger('route = "/"\nhost = "http://a"\ncomponent = "c"'), 6, ("not a host name",)
    ),
    "a status that is none": Case(
        trigger('route = "/"\nstatic_response = { status_code = 99 }'),
        6,
        ("status_code", "200 to 599"),
    ),
    "a header that splits the response": Case(
        trigger('route = "/"\nstatic_response = { headers = { a = "b\\r\\nc: d" } }'),
        6,
        ("static_response.headers.a", "no header value"),
    ),
    "a grant without a scheme": Case(
        COMPONENT + 'allowed_outbound_hosts = ["example.com"]\n',
        6,
        ("'example.com'", "scheme://host"),
    ),
    "a grant with a path": Case(
        COMPONENT + 'allowed_outbound_hosts = ["https://a/b"]\n', 6, ("has a path",)
    ),
    "a grant of a component that is not there": Case(
        COMPONENT + 'allowed_outbound_hosts = ["http://see.spin.internal"]\n',
        6,
        ("no component 'see'",),
    ),
    "a size with an unknown unit": Case(
        COMPONENT + 'limits = { memory = "64MiX" }\n', 6, ("limits.memory", "unit 'MiX'", '"64MiB"')
    ),
    "a size without a unit": Case(
        COMPONENT + 'limits = { memory = "64" }\n', 6, ("limits.memory", "has no unit")
    ),
    "a duration as a number": Case(
        COMPONENT + "limits = { time = 5 }\n", 6, ("limits.time", "not an integer", '"5s"')
    ),
    "no instance": Case(
        COMPONENT + "limits = { instances = 0 }\n", 6, ("limits.instances", "1 to")
    ),
    "a key of Paddock in a spin.toml": Case(
        COMPONENT + 'limits = { time = "5s" }\n',
        6,
        ("component.c.limits", "paddock.toml"),
        "spin.toml",
    ),
    "methods in a spin.toml": Case(
        trigger('route = "/"\nmethods = ["GET"]\ncomponent = "c"'),
        6,
        ("trigger.http[0].methods", "rename the file"),
        "spin.toml",
    ),
    "files from outside": Case(
        COMPONENT + 'files = ["../../etc/*"]\n', 6, ("leaves the directory", "{ source =")
    ),
    "a mount to nowhere": Case(
        COMPONENT + 'files = [{ source = "a", destination = "/a/../b" }]\n', 6, ("absolute path",)
    ),
    "a name of an environment variable that is none": Case(
        COMPONENT + 'environment = { "A=B" = "" }\n', 6, ("environment variable",)
    ),
    "not TOML": Case("[component.c\n", 4, ("not valid TOML",)),
    "a table twice": Case(COMPONENT + COMPONENT, 6, ("not valid TOML",)),
    "an integer without end": Case("x = " + "9" * 5000, 0, ("not valid TOML",)),
    "a version that can't be printed": Case(
        f"paddock_manifest_version = 0x{'f' * 5000}\n",
        1,
        ("paddock_manifest_version", "64 bits"),
        whole=True,
    ),
    "a status that can't be printed": Case(
        trigger(f'route = "/"\nstatic_response = {{ status_code = 0x{"f" * 5000} }}'),
        6,
        ("static_response.status_code", "64 bits"),
    ),
    "tables in tables": Case("x" + ".x" * 5000 + " = 1\n", 0, ("nested too deeply",)),
    "arrays in arrays": Case("x = " + "[" * 5000, 0, ("nested too deeply",)),
}


def mistakes(text: str, name: str = "paddock.toml") -> ManifestMistakes:
    with pytest.raises(ManifestMistakes) as caught:
        read(text.encode(), Path(name))
    return caught.value


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_mistake_is_reported_with_its_line_and_reason(case: Case) -> None:
    error = mistakes(case.text if case.whole else HEAD + case.text, case.name)
    told = [
        problem
        for problem in error.problems
        if all(part.lower() in str(problem).lower() for part in case.parts)
    ]
    assert told, f"none of {case.parts} in:\n{error}"
    assert [problem.location.line for problem in told] == [case.line]
    assert told[0].location.file == case.name


def test_all_mistakes_are_reported_at_once_in_the_order_of_the_file() -> None:
    error = mistakes(
        HEAD
        + trigger('route = "a"\ncomponent = "d"')
        + "enviroment = {}\n[variables]\nx = {}\n[component.e]\nkey_value_stores = 3\n"
    )
    assert [problem.location.line for problem in error.problems] == [5, 6, 9, 11, 12, 13]
    assert str(error).count("paddock.toml:") == 6
    assert isinstance(error, ManifestError)


def test_a_shape_that_is_wrong_hides_no_wrong_reference() -> None:
    error = mistakes(HEAD + trigger('route = 3\ncomponent = "see"'))
    assert {problem.location.line for problem in error.problems} == {5, 6}


def test_text_that_is_not_utf8_is_reported_with_its_line() -> None:
    with pytest.raises(ManifestMistakes, match=r"x\.toml:2: not valid UTF-8"):
        read(b"a = 1\nb = '\xff'\n", "x.toml")


def test_a_file_full_of_mistakes_is_cut() -> None:
    error = mistakes("\n".join(f"k{number} = 1" for number in range(500)))
    assert len(error.problems) > 500
    assert "more mistakes" in str(error)
    assert len(str(error).splitlines()) < 250


def test_thousands_of_mistakes_beside_thousands_of_names_are_not_compared_pair_by_pair() -> None:
    # Comparing all pairs of these takes minutes.
    used = ",".join(f"a{number} = '{{{{ zzz{number} }}}}'" for number in range(5000))
    declared = "".join(f"zz{number} = {{ default = '' }}\n" for number in range(5000))
    error = mistakes(f"{HEAD}{COMPONENT}variables = {{ {used} }}\n[variables]\n{declared}")
    assert len(error.problems) == 1000
