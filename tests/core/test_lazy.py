import importlib
import pkgutil
import subprocess
import sys

import pytest

import helpers
from helpers.core.lazy import lazy_exports

HEAVY = ["torch", "lightning", "timm", "captum", "matplotlib", "torchvision"]


def lazy_packages():
    packages = [info.name for info in pkgutil.walk_packages(helpers.__path__, "helpers.") if info.ispkg]
    return [name for name in packages if getattr(importlib.import_module(name), "__getattr__", None)]


@pytest.mark.parametrize("name", lazy_packages())
def test_every_name_that_a_package_hands_on_is_defined_in_the_module_it_names(name):
    package = importlib.import_module(name)
    assert package.__all__
    for exported in package.__all__:
        getattr(package, exported)
    assert set(package.__all__) <= set(dir(package))


def test_an_unknown_name_is_no_attribute_and_cannot_be_imported():
    get, names, exported = lazy_exports("helpers.core", {"ROOT": "helpers.core.files"})
    assert exported == ["ROOT"]
    assert "ROOT" in names()
    with pytest.raises(AttributeError, match=r"'helpers\.core' has no attribute 'cartoon'"):
        get("cartoon")
    with pytest.raises(ImportError, match="cannot import name"):
        exec("from helpers.methods.rde import no_such_name")


def test_loading_a_profile_imports_none_of_the_large_libraries():
    code = f"""
import sys
from helpers.profiles import load_profile
load_profile("quick")
print(*(name for name in {[*HEAVY, "torch._dynamo"]} if name in sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
