"""How passwords are hashed: Argon2id, as strong as OWASP asks for several times over, and no heavier for a server."""

from typing import Final

from django.contrib.auth.hashers import Argon2PasswordHasher

_KIB_OF_MEMORY: Final = 64 * 1024


class PasswordHasher(Argon2PasswordHasher):
    """Argon2id with 64 MiB, two passes and two lanes.

    Django's own numbers (100 MiB, eight lanes) are for a machine that signs in one person at a time: on two cores the
    lanes wait for each other, and the memory is taken once for every request that is hashing. OWASP's least is 19 MiB
    with two passes. A hash made with other numbers is replaced when its password is next typed.
    """

    algorithm = "argon2"
    time_cost = 2
    memory_cost = _KIB_OF_MEMORY
    parallelism = 2
