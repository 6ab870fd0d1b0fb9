import pytest
from fetch_jars import proxy_options


@pytest.mark.parametrize(
    ("proxies", "options"),
    [
        ({}, ""),
        ({"https": "http://gate.example:81"}, "-Dhttps.proxyHost=gate.example -Dhttps.proxyPort=81"),
        ({"http": "me:secret@10.0.0.1"}, "-Dhttp.proxyHost=10.0.0.1 -Dhttp.proxyPort=80"),
        ({"https": "socks5://gate.example:82"}, ""),
        ({"no": "localhost, .corp,"}, "-Dhttp.nonProxyHosts=localhost|*.localhost|corp|*.corp"),
        ({"no": " localhost .corp"}, "-Dhttp.nonProxyHosts=localhost|*.localhost|corp|*.corp"),
        ({"https": "http://gate.example:81", "no": "localhost, *"}, ""),
    ],
)
def test_java_is_told_of_the_proxies_that_the_environment_names(proxies: dict[str, str], options: str) -> None:
    assert proxy_options(proxies) == options
