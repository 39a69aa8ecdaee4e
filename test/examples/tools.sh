#!/bin/sh
# Makes every example ready to run, in .cache/examples/<language>, from the registry of its language.
#
# A language that is not here, or whose packages cannot be had, is left out: skipped-<language> then says
# why, and its test skips itself with these words. A program that does not compile is a failure: log-<language>.
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
cache="$root/.cache/examples"
mkdir -p "$cache"
cp "$root/examples/page.html" "$cache/"

main() {
  for language in python go java php node; do
    rm -f "$cache/skipped-$language" "$cache/ready-$language"
    mkdir -p "$cache/$language"
    cp -R "$root/examples/$language/." "$cache/$language/"
    # In a shell of its own, since a condition switches off the stop at the first failure.
    if timeout 10m sh "$0" "$language" >"$cache/log-$language" 2>&1; then touch "$cache/ready-$language"; fi
    [ ! -e "$cache/skipped-$language" ] || echo "Without $language: $(cat "$cache/skipped-$language")"
  done
}

# skip LANGUAGE WHY
skip() {
  echo "$2" >"$cache/skipped-$1"
  exit 1
}

# need LANGUAGE PROGRAM…
need() {
  language=$1
  shift
  for program; do
    command -v "$program" >/dev/null || skip "$language" "there is no $program here"
  done
}

prepare_python() {
  need python python3
  [ -x venv/bin/python ] || python3 -m venv venv || skip python 'python3 cannot make a virtual environment'
  venv/bin/pip install --quiet --disable-pip-version-check --requirement requirements.txt ||
    skip python 'its packages cannot be had'
}

prepare_go() {
  need go go
  go mod download || skip go 'its modules cannot be had'
  nice -n 5 go build -mod=readonly -o program .
}

prepare_java() {
  need java java mvn
  mvn --batch-mode --quiet dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory=target/dependency ||
    skip java 'its artefacts cannot be had'
  javac -encoding UTF-8 -cp 'target/dependency/*' -d target/classes src/main/java/Main.java "$root/test/examples/Signatures.java"
}

prepare_php() {
  if ! command -v php >/dev/null; then
    { [ "$(id -u)" = 0 ] && apt-get install --yes --quiet --no-install-recommends php-cli php-curl; } ||
      skip php 'there is no php here, and it cannot be installed'
  fi
  php -r 'exit(extension_loaded("curl") && class_exists("CURLStringFile") ? 0 : 1);' ||
    skip php 'this php is older than 8.1 or has no curl'
  # Without Composer, or where its registry cannot be reached, the program leaves EasyWeChat out.
  ! command -v composer >/dev/null || composer install --quiet --no-interaction || true
}

prepare_node() {
  need node node npm
  npm install --prefer-offline --no-audit --no-fund --loglevel=error || skip node 'its packages cannot be had'
}

if [ $# -eq 0 ]; then main; else cd "$cache/$1" && "prepare_$1"; fi
