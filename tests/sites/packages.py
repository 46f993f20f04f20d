"""The programs that the tests of sites need, as Debian packages them.

`python -m tests.sites.packages` installs what is missing, or says in a sentence what to do.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

# Each package with a file or program of it.
PACKAGES = {
    "caddy": "caddy",
    "nginx-light": "nginx",
    "pgbouncer": "pgbouncer",
    "wordpress": "/usr/share/wordpress/wp-load.php",
    "wordpress-theme-twentytwentyone": "/usr/share/wordpress/wp-content/themes/twentytwentyone",
    "wordpress-theme-twentytwentythree": "/usr/share/wordpress/wp-content/themes/twentytwentythree",
    "mariadb-server": "mariadbd",
    "php-cli": "php",
    "php-curl": "/etc/php/8.2/cli/conf.d/20-curl.ini",
    "php-mbstring": "/etc/php/8.2/cli/conf.d/20-mbstring.ini",
    "php-mysql": "/etc/php/8.2/cli/conf.d/20-mysqli.ini",
    "php-xml": "/etc/php/8.2/cli/conf.d/20-dom.ini",
    "php-zip": "/etc/php/8.2/cli/conf.d/20-zip.ini",
    "gettext": "msgfmt",
}


def program(name: str) -> str | None:
    """The path of a program; Debian keeps servers where only root looks."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin")


def missing() -> list[str]:
    """The packages that are not here."""
    return [
        package
        for package, found in PACKAGES.items()
        if not (Path(found).exists() if found.startswith("/") else program(found))
    ]


def install(packages: list[str]) -> None:
    """Install them, where this user may: as root, with apt."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return
    sys.stderr.write(f"Installing {', '.join(packages)} with apt-get…\n")
    for words in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends"]):
        command = ["apt-get", "-o", "DPkg::Lock::Timeout=300", *words]
        if words[0] == "install":
            command += packages
        subprocess.run(command, check=False, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    if lacking := missing():
        install(lacking)
    if lacking := missing():
        sys.exit(
            f"make test-sites needs {', '.join(lacking)}: install what is missing"
            f" (Debian and Ubuntu: apt-get install {' '.join(lacking)})."
        )
