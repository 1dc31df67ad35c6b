import subprocess
import sys

import matplotlib

from arae_core.figures import COLOURS, Picture, image_grid
from arae_core.figures.style import looks


def test_encoders_keep_their_colours_and_variants_differ_in_line():
    look = looks(["robust, PGD", "standard, PGD", "robust, AutoAttack", "noise"])
    assert look["robust, PGD"] == {"color": COLOURS["robust"], "linestyle": "-"}
    assert look["robust, AutoAttack"] == {"color": COLOURS["robust"], "linestyle": "--"}
    assert look["standard, PGD"]["color"] == COLOURS["standard"]
    assert look["noise"]["color"] not in COLOURS.values()
    assert len(looks([f"method {i}" for i in range(50)])) == 50  # colours come again


def test_a_figure_displays_itself_on_white_and_leaves_settings_alone(images):
    before = dict(matplotlib.rcParams)
    figure = image_grid([images])
    assert isinstance(figure, Picture) and figure.get_facecolor() == (1, 1, 1, 1)
    assert figure._repr_png_().startswith(b"\x89PNG") and dict(matplotlib.rcParams) == before


def test_only_figures_import_matplotlib():
    code = "import sys, arae_core.results, arae_core.losses; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
