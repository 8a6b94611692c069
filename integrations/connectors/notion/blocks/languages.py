"""Languages of code blocks: Notion's names, and what people write behind a fence for them."""

from collections.abc import Mapping
from typing import Final

PLAIN: Final = "plain text"
LANGUAGES: Final = frozenset(
    """abap|abc|agda|arduino|ascii art|assembly|bash|basic|bnf|c|c#|c++|clojure|coffeescript|coq|css|dart|dhall|diff
    |docker|ebnf|elixir|elm|erlang|f#|flow|fortran|gherkin|glsl|go|graphql|groovy|haskell|hcl|html|idris|java
    |java/c/c++/c#|javascript|json|julia|kotlin|latex|less|lisp|livescript|llvm ir|lua|makefile|markdown|markup
    |mathematica|matlab|mermaid|nix|notion formula|objective-c|ocaml|pascal|perl|php|plain text|powershell|prolog
    |protobuf|purescript|python|r|racket|reason|ruby|rust|sass|scala|scheme|scss|shell|smalltalk|solidity|sql|swift
    |toml|typescript|vb.net|verilog|vhdl|visual basic|webassembly|xml|yaml""".replace("\n    ", "").split("|")
)
_OTHER_NAMES: Final[Mapping[str, str]] = {
    "cpp": "c++",
    "cs": "c#",
    "csharp": "c#",
    "console": "shell",
    "dockerfile": "docker",
    "fsharp": "f#",
    "golang": "go",
    "hs": "haskell",
    "js": "javascript",
    "jsx": "javascript",
    "kt": "kotlin",
    "md": "markdown",
    "objc": "objective-c",
    "ps1": "powershell",
    "py": "python",
    "rb": "ruby",
    "rs": "rust",
    "sh": "shell",
    "tex": "latex",
    "text": PLAIN,
    "ts": "typescript",
    "tsx": "typescript",
    "txt": PLAIN,
    "wasm": "webassembly",
    "yml": "yaml",
    "zsh": "shell",
}


def language_of(info: str) -> str:
    """The language a fence names, as Notion calls it; plain text for anything it does not know."""
    name = info.strip().lower()
    if name in LANGUAGES:
        return name
    first = name.split()[0] if name else ""
    name = _OTHER_NAMES.get(first, first)
    return name if name in LANGUAGES else PLAIN


def info_of(language: str) -> str:
    """What stands behind the fence."""
    return "" if language == PLAIN else language
