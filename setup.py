"""What pyproject.toml cannot say: tests beside the modules of a package are not installed."""

from setuptools import setup
from setuptools.command.build_py import build_py


class WithoutTests(build_py):
    """Build the packages, but not their tests."""

    def find_package_modules(self, package, package_dir):
        return [each for each in super().find_package_modules(package, package_dir)
                if not each[1].startswith(("test_", "conftest"))]


setup(cmdclass={"build_py": WithoutTests})
