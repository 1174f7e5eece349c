"""Libraries that only previews and runs need. A service imports them on first use, so that it starts fast and uses
little memory while it waits (docs/decisions/2026-11-25-what-a-waiting-service-imports.md).
"""

from __future__ import annotations

import gc
import sys
from importlib import import_module
from threading import RLock
from types import ModuleType
from typing import Any

# Each with the parts of it that are imported by name anywhere; a library is loaded as a whole.
LATER = {
    "pyarrow": ("pyarrow.compute", "pyarrow.csv", "pyarrow.dataset", "pyarrow.parquet", "pyarrow.types"),
    "aiohttp": (),
    "duckdb": (),
    "numpy": (),
    "psycopg": (),
}
ASKED = frozenset({"__path__", "__version__"})  # names with underscores that are uses
_lock = RLock()


class Later(ModuleType):
    """Stands for a module until something is taken from it; afterwards it is as good as the module itself."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name not in ASKED:
            raise AttributeError(name)
        real = _loaded(self.__name__)
        vars(self).update(vars(real))
        return getattr(real, name)


def start_soon() -> None:
    """Import only what answering needs. Called before anything of ours imports these libraries; then `started`."""
    gc.disable()  # a sixth of the start would go into looking for garbage among modules
    modules: dict[str, Any] = sys.modules
    without = "rich" not in modules
    if without:
        modules["rich"] = None  # structlog would import it, to colour what a service never shows
    import structlog  # noqa: F401, PLC0415 - see above

    if without:
        del modules["rich"]
    for library, parts in LATER.items():
        if library not in sys.modules:
            whole = sys.modules[library] = Later(library)
            for part in parts:
                sys.modules[part] = Later(part)
                setattr(whole, part.rpartition(".")[2], sys.modules[part])


def started() -> None:
    """What is there by now stays: it is never looked at for garbage again."""
    gc.freeze()
    gc.enable()


def _loaded(name: str) -> ModuleType:
    """The real module; the first to ask loads the whole library, others wait for it."""
    library = name.partition(".")[0]
    with _lock:
        if isinstance(sys.modules.get(library), Later):
            for part in (library, *LATER[library]):
                del sys.modules[part]
            for part in (library, *LATER[library]):
                import_module(part)
        return sys.modules[name]
