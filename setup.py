"""Build the compiled half of `_fastpath`; everything else about the project stands in pyproject.toml.

A module that cannot be compiled is left out with a warning: the pure twin beside it does the same work, slower.
"""

from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

SOURCES = sorted(Path("_fastpath").glob("*.pyx"))

setup(
    ext_modules=cythonize(
        [
            Extension(f"_fastpath.{source.stem}", [str(source)], extra_compile_args=["-O3"], optional=True)
            for source in SOURCES
        ],
        language_level=3,
    )
)
