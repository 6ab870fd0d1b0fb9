"""Fetch the Delta Lake jars that fit the installed `delta-spark` into a folder, through Spark's own resolver.

Usage: python local/fetch_jars.py DIRECTORY
"""

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from urllib.request import getproxies

from pyspark.sql import SparkSession
from spark_session import LOOPBACK

#: A proxy's host and port, with or without scheme and credentials before them. Java's options know no other kind.
_PROXY = re.compile(r"(?i:https?://)?(?:[^@/]*@)?(?P<host>\[[^]\s]+]|[^:/\s]+)(?::(?P<port>\d+))?/?")


def proxy_options(proxies: Mapping[str, str]) -> str:
    """Tell Java of the proxies that other programs take from HTTPS_PROXY, HTTP_PROXY and NO_PROXY, which it does not.

    Args:
        proxies: As `urllib.request.getproxies` has them.
    """
    # Some write spaces between hosts; Spark takes what follows a space for another option.
    direct = re.split(r"[\s,]+", proxies.get("no", ""))
    if "*" in direct:
        return ""
    options = []
    for scheme in ("http", "https"):
        if proxy := _PROXY.fullmatch(proxies.get(scheme, "")):
            options += [f"-D{scheme}.proxyHost={proxy['host']}", f"-D{scheme}.proxyPort={proxy['port'] or 80}"]
    names = [host.removeprefix("*").removeprefix(".") for host in direct]
    # The name of a domain stands for all that is in it, and in Java only does so with a star.
    if hosts := "|".join(f"{name}|*.{name}" for name in names if name):
        options.append(f"-Dhttp.nonProxyHosts={hosts}")
    return " ".join(options)


def main() -> None:
    """Start Spark once with Delta as a package: it resolves and verifies the jars; keep them."""
    target = Path(sys.argv[1])
    os.environ.update(LOOPBACK)
    with tempfile.TemporaryDirectory() as ivy:
        SparkSession.builder.config(
            map={
                "spark.master": "local[1]",
                "spark.ui.enabled": "false",
                "spark.jars.packages": f"io.delta:delta-spark_2.13:{version('delta-spark')}",
                "spark.jars.ivy": ivy,
                "spark.driver.extraJavaOptions": proxy_options(getproxies()),
            }
        ).getOrCreate().stop()
        for jar in (Path(ivy) / "jars").glob("*.jar"):
            shutil.copy(jar, target)


if __name__ == "__main__":
    main()
