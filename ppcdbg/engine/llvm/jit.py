"""llvmlite, and nothing else of it anywhere: IR text to an object, an object to callable addresses.

The one room that imports llvmlite; import it only where an engine is made (about 50 ms).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

import llvmlite.binding as llvm

from ppcdbg.errors import EngineError


@dataclass(frozen=True)
class Linked:
    """A library in memory: the addresses of its symbols. ``close`` when nothing will ever run there again."""

    symbols: dict[str, int]
    library: llvm.ResourceTracker

    def close(self) -> None:
        """Give its memory back."""
        self.library.close()


class Jit:
    """One compiler and the libraries that it has linked; those that are not closed live as long as it does."""

    def __init__(self) -> None:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        self._lljit = llvm.create_lljit_compiler(self._machine(2))
        self._numbers = itertools.count()

    def _machine(self, level: int) -> llvm.TargetMachine:
        return llvm.Target.from_default_triple().create_target_machine(
            cpu=llvm.get_host_cpu_name(),
            features=llvm.get_host_cpu_features().flatten(),
            opt=level,
            codemodel="small",
            reloc="pic",
        )

    def compile(self, text: str, optimize: int, generate: int) -> bytes:
        """An object from IR text; levels are LLVM's. Unrolling and vectorizing never pay here."""
        try:
            module = llvm.parse_assembly(text)
        except RuntimeError as error:
            raise EngineError(f"LLVM does not take the IR that the llvm engine generated: {error}") from None
        machine = self._machine(generate)
        if optimize:
            options = llvm.create_pipeline_tuning_options(speed_level=optimize)
            options.loop_unrolling = options.loop_vectorization = options.slp_vectorization = False
            builder = llvm.create_pass_builder(machine, options)
            passes = builder.getModulePassManager()
            passes.run(module, builder)
            # llvmlite 0.50 names ObjectRef first among its bases, whose _dispose does nothing: 90 KiB a region.
            llvm.NewPassManager._dispose(passes)
            passes.detach()
        code: bytes = machine.emit_object(module)
        return code

    def link(self, code: bytes, names: Iterable[str]) -> Linked:
        """Load an object, and export some of its symbols."""
        wanted = tuple(names)
        builder = llvm.JITLibraryBuilder().add_object_img(code)
        for name in wanted:
            builder.export_symbol(name)
        library = builder.link(self._lljit, f"ppcdbg{next(self._numbers)}")
        return Linked({name: library[name] for name in wanted}, library)

    def close(self) -> None:
        """Give all memory back, when nothing will ever run there again: a closed library leaves 9 KiB."""
        self._lljit.close()
