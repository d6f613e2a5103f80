# make setup | demo | test | lint | format | types | bench | docs | clean        (QT=pyqt5|pyqt6|pyside6, ARGS="more arguments")
#
# Each target first sets up what it needs: system packages (on Debian and its kin), a virtual environment, the package.
# On a Linux machine without an NVIDIA card, PyTorch's CUDA packages (several GB) can be left out:
#     make setup PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu

QT ?= pyqt5
PYTHON ?= python3
ARGS ?=

ifeq ($(filter $(QT),pyqt5 pyqt6 pyside6),)
$(error QT=$(QT) is unknown: use QT=pyqt5, QT=pyqt6 or QT=pyside6)
endif

VENV := $(if $(filter pyqt5,$(QT)),.venv,.venv-$(QT))
READY := $(VENV)/.ready
TORCH = $(shell grep '^torch==' constraints.txt)

# What Qt, OpenGL and a virtual display need on a bare Debian 12.
DEBIAN := xvfb xauth libgl1 libglib2.0-0 libfontconfig1 libdbus-1-3 libxkbcommon-x11-0 libxcb-icccm4 libxcb-image0 \
          libxcb-keysyms1 libxcb-randr0 libxcb-render-util0 libxcb-shape0 libxcb-xinerama0 libxcb-xkb1 \
          $(if $(filter pyqt6 pyside6,$(QT)),libegl1 libxcb-cursor0)

# napari renders on a real display or under Xvfb; Qt's "offscreen" platform gives a black canvas.
ifeq ($(DISPLAY)$(filter Darwin,$(shell uname)),)
SCREEN := env -u QT_QPA_PLATFORM xvfb-run -a -s "-screen 0 1600x1200x24"
endif

export QT_API := $(QT)
export PYTEST_QT_API := $(QT)

.PHONY: setup demo test lint format types bench docs clean

setup: $(READY)

demo: setup
	$(SCREEN) $(VENV)/bin/mlpatch demo $(if $(SCREEN),--exit) $(ARGS)

# In several processes, each with one thread and (on Linux) a display of its own.
test: setup
	$(SCREEN) $(VENV)/bin/pytest -n auto --maxprocesses 4 --dist loadfile $(ARGS)

lint: setup
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

format: setup
	$(VENV)/bin/ruff check --fix-only .
	$(VENV)/bin/ruff format .

types: setup
	$(VENV)/bin/pyright --pythonpath $(VENV)/bin/python

bench: setup
	$(VENV)/bin/mlpatch bench $(ARGS)

# Into build/site. MLPATCH_PICTURES=0 leaves out the pictures of methods and operators, which take a minute.
docs: setup
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --strict

clean:
	rm -rf build dist demo .hypothesis .pytest_cache .ruff_cache
	find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +

$(READY): pyproject.toml constraints.txt
	@.ci/system-packages $(PYTHON) $(DEBIAN)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$(PYTHON) is missing or older than Python 3.11: make PYTHON=/path/to/python3.11"; exit 1; }
	test -x $(VENV)/bin/pip || $(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install -c constraints.txt $(TORCH)
	$(VENV)/bin/pip install -c constraints.txt -e ".[$(QT),test,docs,dev]"
	@touch $@
