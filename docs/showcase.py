"""Writes docs/showcase/ from the report of a scale: what of it a forge can show, small.

uv run python docs/showcase.py [SCALE]    demo unless said; `make demo-all` makes its report

Tables, what their runs cost, and figures. A link to what stays behind, as a run's page, becomes its words.
"""

import re
import shutil
import sys
from pathlib import Path
from posixpath import normpath

from PIL import Image

ROOT = Path(__file__).parents[1]
OUT = ROOT / "docs/showcase"
DEFINED = re.compile(r"^\[(\d+)\]: (.+)\n", re.MULTILINE)
REFERRED = re.compile(r"\[([^\[\]]+)\]\[(\d+)\]")
INLINE = re.compile(r"(?<!!)\[([^\[\]]+)\]\(([^)]+)\)")
REMARK = re.compile(r"\n<!--.*?-->\n", re.DOTALL)
COLOURS = 128
SHOWN = ("tables/*.md", "costs/*.md", "figures/*.png", "figures/*.csv")


def main() -> None:
    home = ROOT / "reports" / (sys.argv[1] if len(sys.argv) > 1 else "demo")
    found = [file for kind in SHOWN for file in home.glob(kind)]
    files = {"README.md": home / "index.md"} | {file.relative_to(home).as_posix(): file for file in found}
    shutil.rmtree(OUT, ignore_errors=True)
    for name, file in files.items():
        (OUT / name).parent.mkdir(parents=True, exist_ok=True)
        match file.suffix:
            case ".md":
                (OUT / name).write_text(_kept(file.read_text("utf-8"), name, set(files)), "utf-8")
            case ".png":
                with Image.open(file) as drawn:
                    drawn.convert("RGB").quantize(COLOURS).save(OUT / name, optimize=True)
            case ".csv":
                shutil.copyfile(file, OUT / name)
    size = sum(file.stat().st_size for file in OUT.rglob("*") if file.is_file())
    print(f"{OUT.relative_to(ROOT)}: {len(files)} files, {size / 1e6:.1f} MB")


def _kept(text: str, name: str, there: set[str]) -> str:
    """A page whose links lead to what is there; the words of others stay."""
    leads = {number: target for number, target in DEFINED.findall(text) if _found(target, name, there)}
    text = DEFINED.sub(lambda found: found[0] if found[1] in leads else "", REMARK.sub("\n", text))
    text = REFERRED.sub(lambda found: found[0] if found[2] in leads else found[1], text)
    text = INLINE.sub(lambda found: found[0] if _found(found[2], name, there) else found[1], text)
    return text.rstrip() + "\n"


def _found(target: str, name: str, there: set[str]) -> bool:
    return "://" in target or normpath(f"{Path(name).parent.as_posix()}/{target}") in there


if __name__ == "__main__":
    main()
