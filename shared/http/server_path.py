"""A folder or file on the server's own disk that a request names, and where it may lie."""

from pathlib import Path

from pydantic import Field

from shared.errors import InvalidInput
from shared.http.asked import Asked
from shared.network import is_loopback
from shared.settings import Settings


class OnServer(Asked):
    """A source on the server's own disk, below `CHIFFCHAFF_LIBRARY_DIR` where that is set."""

    path: str = Field(min_length=1, description="On the server: absolute, or relative to the library directory")

    def resolved(self, settings: Settings) -> Path:
        """The path in full, links followed.

        Raises:
            InvalidInput: when it lies outside of what the operator allows.
        """
        if settings.library_dir is None:
            if not is_loopback(settings.host):
                raise InvalidInput(
                    "This server listens to other machines and names no directory to read recordings from.",
                    hint="The operator sets CHIFFCHAFF_LIBRARY_DIR.",
                )
            return Path(self.path).resolve()
        library = settings.library_dir.resolve()
        path = (library / self.path).resolve()
        if not path.is_relative_to(library):
            raise InvalidInput(
                f"{self.path} lies outside of the library directory.", hint=f"Name a path below {library}."
            )
        return path
