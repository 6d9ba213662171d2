"""Says which file is compiled; pyproject.toml has the rest. setuptools calls the place for it there experimental."""

from setuptools import Extension, setup

setup(ext_modules=[Extension("respool_speed._talk", ["src/respool_speed/_talk.c"])])
