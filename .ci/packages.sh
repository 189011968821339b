# shellcheck shell=bash
# Sourced by run and check: installs what .ci/packages.txt names. Needs $root.

# install_packages <who>...: installs what is missing for run, check or full, without a question. Says nothing when
# nothing is missing. On systems without apt it only says what is needed.
install_packages() {
  local who package missing=()
  while read -r who package; do
    [[ " $* " == *" $who "* ]] || continue
    [[ "$(dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2>/dev/null)" == ii* ]] || missing+=("$package")
  done < <(grep -v '^#' "$root/.ci/packages.txt")
  ((${#missing[@]})) || return 0

  if ! command -v apt-get >/dev/null; then
    echo "This is not Debian: please install what corresponds to: ${missing[*]}" >&2
    return 0
  fi
  local as_root=()
  if ((EUID != 0)); then
    if ! command -v sudo >/dev/null; then
      echo "Please install, as root: apt-get install ${missing[*]}" >&2
      return 1
    fi
    as_root=(sudo)
  fi
  echo "Installing: ${missing[*]}"
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300)
  local install=("${apt[@]}" install --no-install-recommends "${missing[@]}")
  # The lists of packages may be missing or old: then they are fetched and it is tried once more.
  "${install[@]}" </dev/null || { "${apt[@]}" update </dev/null && "${install[@]}" </dev/null; }
}
