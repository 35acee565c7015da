"""Removes from an environment's site-packages what a running service never opens, and compiles the rest.

    python slim.py /opt/bandmate/lib/python3.11/site-packages [DISTRIBUTION ...]

Whole distributions are named on the command line. The others lose their tests, headers and type stubs; botocore, which
describes four hundred services, keeps the few that Bandmate calls. Each image imports its service when it is built, so
that nothing needed can go missing unnoticed.
"""

import compileall
import shutil
import sys
from importlib.metadata import PathDistribution, distributions
from pathlib import Path
from py_compile import PycInvalidationMode

USELESS_FOLDERS = ("tests", "test", "include")
USELESS_SUFFIXES = (".pyi", ".pyx", ".pxd", ".h", ".hpp", ".a")
TESTED_INSIDE = ("numpy", "scipy", "pyarrow", "sqlalchemy", "celery", "kombu", "pycparser")
"""Packages that carry their tests along; elsewhere a folder of that name may be something else."""

AWS_SERVICES = {"sqs", "s3", "sts", "logs", "sagemaker", "sagemaker-runtime", "polly", "sso", "sso-oidc"}
"""What `aws_client` is asked for, and what the credential providers call."""


def remove_distribution(site: Path, name: str) -> None:
    """Delete a distribution's files. Raises LookupError when it is not there."""
    for distribution in distributions(path=[str(site)]):
        if distribution.metadata["Name"].lower() == name:
            break
    else:
        raise LookupError(f"{name} is not installed")
    assert isinstance(distribution, PathDistribution)
    tops = {Path(str(file)).parts[0] for file in distribution.files or () if ".." not in Path(str(file)).parts}
    for top in tops:
        path = site / top
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def remove_ballast(site: Path) -> None:
    """Delete tests, headers, stubs, and the descriptions of services that are never called."""
    for package in TESTED_INSIDE:
        for name in USELESS_FOLDERS:
            for folder in sorted((site / package).rglob(name)):
                shutil.rmtree(folder, ignore_errors=True)
    for path in site.rglob("*"):
        if path.suffix in USELESS_SUFFIXES and path.is_file():
            path.unlink()
    for pattern in ("pyarrow/*flight*", "pyarrow/*gandiva*", "pyarrow/src"):
        for path in site.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for folder in (site / "botocore" / "data").glob("*/"):
        if folder.name not in AWS_SERVICES:
            shutil.rmtree(folder)
    for folder in (site / "boto3" / "data").glob("*/"):
        if folder.name not in AWS_SERVICES:
            shutil.rmtree(folder)


def remove_programs(folder: Path) -> None:
    """Delete an environment's command-line programs: the image's one program is started as a module."""
    for path in folder.glob("*"):
        if not path.name.startswith("python"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def main(arguments: list[str]) -> int:
    """Returns the exit status."""
    site = Path(arguments[0])
    for name in arguments[1:]:
        remove_distribution(site, name)
    remove_ballast(site)
    if site.name == "site-packages":
        remove_programs(site.parents[2] / "bin")
    # Checked by nothing at run time: the files do not change, and their times are those of the build.
    compiled = compileall.compile_dir(str(site), quiet=2, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH)
    return 0 if compiled or site.is_dir() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
