"""From settings to the services of network access, and to what looks after its sessions."""

from accounts.payments.services import MoneyServices
from campusgate.settings import Settings
from network_access.disconnect_client import DisconnectClient, Nas
from network_access.keeper import NetworkKeeper
from network_access.services import NetworkServices
from network_access.vocabulary import NetworkService


def make_network_access(settings: Settings, money: MoneyServices) -> NetworkServices:
    """Return the services of computer rooms and the internet."""
    offered = {
        NetworkService.COMPUTER_ROOM: settings.network.computer_room,
        NetworkService.INTERNET: settings.network.internet,
    }
    return NetworkServices(money, {service: terms for service, terms in offered.items() if terms is not None})


def make_network_keeper(settings: Settings, services: NetworkServices) -> NetworkKeeper:
    """Return what disconnects whoever may not be there any more."""
    known = [
        Nas(name, str(one.address), one.secret.get_secret_value().encode(), one.port)
        for name, one in settings.network.nas.items()
    ]
    return NetworkKeeper(services, DisconnectClient(known))
