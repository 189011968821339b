import pytest

from tls.actors import TlsServer
from tls.certificates import Certificates


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(params=["holdfast", "redis"])
def kind(request):
    """What is tested here holds for the reference server too."""
    return request.param


@pytest.fixture
def server(certificates, kind):
    with TlsServer(kind, certificates) as server:
        yield server


@pytest.fixture
def holdfast(certificates):
    """What the reference server does not promise."""
    with TlsServer("holdfast", certificates) as server:
        yield server
