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

#: A proxy's host and port, with or without scheme and credentials before them.
_PROXY = re.compile(r"(?:\w+://)?(?:[^@/]*@)?(?P<host>\[[^]]+]|[^:/]+)(?::(?P<port>\d+))?/?")


def proxy_options(proxies: Mapping[str, str]) -> str:
    """Tell Java of the proxies that other programs take from HTTPS_PROXY, HTTP_PROXY and NO_PROXY, which it does not.

    Args:
        proxies: As `urllib.request.getproxies` has them.
    """
    options = []
    for scheme in ("http", "https"):
        if proxy := _PROXY.fullmatch(proxies.get(scheme, "")):
            options += [f"-D{scheme}.proxyHost={proxy['host']}", f"-D{scheme}.proxyPort={proxy['port'] or 80}"]
    direct = [host.strip().removeprefix("*").removeprefix(".") for host in proxies.get("no", "").split(",")]
    # The name of a domain stands for all that is in it, and in Java only does so with a star.
    if hosts := "|".join(f"{host}|*.{host}" for host in direct if host):
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
