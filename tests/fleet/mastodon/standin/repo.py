# SPDX-License-Identifier: GPL-3.0-or-later
"""The git repositories: Mastodon's releases as tags, and ruby-build's definitions, made by git fast-import."""
import re
import subprocess

from standin import releases
from standin.core import version_key

GITIGNORE = """/.bundle
/.env.production
/coverage
/log/*
/tmp/*
/node_modules/
/public/assets
/public/packs
/public/system
/vendor/bundle/
"""

VERSION_RB = """# frozen_string_literal: true

module Mastodon
  module Version
    module_function

    def major
      %s
    end

    def minor
      %s
    end

    def patch
      %s
    end

    def default_prerelease
      ''
    end

    def prerelease
      ENV['MASTODON_VERSION_PRERELEASE'].presence || default_prerelease
    end

    def build_metadata
      %s
    end

    def to_s
      components = [[major, minor, patch].join('.')]
      components << "-#{prerelease}" if prerelease.present?
      components << "+#{build_metadata}" if build_metadata.present?
      components.join
    end
  end
end
"""

METADATA = "ENV.fetch('MASTODON_VERSION_METADATA', nil)"

# From 4.4 on a fork's name stands here, and not in version.rb.
MASTODON_YML = """---
shared:
  self_destruct_value: <%%= ENV.fetch('SELF_DESTRUCT', nil)&.to_json %%>
  version:
    metadata: <%%= %s&.to_json %%>
    prerelease: <%%= ENV.fetch('MASTODON_VERSION_PRERELEASE', nil)&.to_json %%>
""" % METADATA

BIN_RAILS = """#!/usr/bin/env ruby
APP_PATH = File.expand_path('../config/application', __dir__)
require_relative '../config/boot'
require 'rails/commands'
"""

BIN_TOOTCTL = """#!/usr/bin/env ruby
# frozen_string_literal: true

APP_PATH = File.expand_path('../config/application', __dir__)
require_relative '../config/boot'
require_relative '../lib/mastodon/cli/main'

Mastodon::CLI::Main.start(ARGV)
"""

UNIT_WEB = """[Unit]
Description=mastodon-web
After=network.target

[Service]
Type=simple
User=mastodon
WorkingDirectory=/home/mastodon/live
Environment="RAILS_ENV=production"
Environment="PORT=3000"
Environment="LD_PRELOAD=libjemalloc.so"
ExecStart=/home/mastodon/.rbenv/shims/bundle exec puma -C config/puma.rb
ExecReload=/bin/kill -SIGUSR1 $MAINPID
TimeoutSec=15
Restart=always

[Install]
WantedBy=multi-user.target
"""

UNIT_SIDEKIQ = """[Unit]
Description=mastodon-sidekiq
After=network.target

[Service]
Type=simple
User=mastodon
WorkingDirectory=/home/mastodon/live
Environment="RAILS_ENV=production"
Environment="DB_POOL=25"
Environment="MALLOC_ARENA_MAX=2"
Environment="LD_PRELOAD=libjemalloc.so"
ExecStart=/home/mastodon/.rbenv/shims/bundle exec sidekiq -c 25
TimeoutSec=15
Restart=always

[Install]
WantedBy=multi-user.target
"""

UNIT_STREAMING_ONE = """[Unit]
Description=mastodon-streaming
After=network.target

[Service]
Type=simple
User=mastodon
WorkingDirectory=/home/mastodon/live
Environment="NODE_ENV=production"
Environment="PORT=4000"
Environment="STREAMING_CLUSTER_NUM=1"
ExecStart=/usr/local/bin/node ./streaming
TimeoutSec=15
Restart=always

[Install]
WantedBy=multi-user.target
"""

UNIT_STREAMING = """[Unit]
Description=mastodon-streaming
After=network.target
Wants=mastodon-streaming@4000.service

[Service]
Type=oneshot
ExecStart=/bin/echo "mastodon-streaming exists only to collectively start and stop mastodon-streaming@* instances, shimming them."
RemainAfterExit=yes

[Install]
WantedBy=multi-user.target
"""

UNIT_STREAMING_AT = """[Unit]
Description=mastodon-streaming on port %i
After=network.target
PartOf=mastodon-streaming.service
ReloadPropagatedFrom=mastodon-streaming.service

[Service]
Type=simple
User=mastodon
WorkingDirectory=/home/mastodon/live
Environment="NODE_ENV=production"
Environment="PORT=%i"
ExecStart=/usr/local/bin/node ./streaming
TimeoutSec=15
Restart=always

[Install]
WantedBy=multi-user.target mastodon-streaming.service
"""

PUMA_RB = """# frozen_string_literal: true

threads_count = ENV.fetch('MAX_THREADS', 5).to_i
threads ENV.fetch('MIN_THREADS', threads_count).to_i, threads_count
if ENV['SOCKET']
  bind "unix://#{ENV['SOCKET']}?umask=0000"
else
  port ENV.fetch('PORT', 3000), ENV.fetch('BIND', '127.0.0.1')
end
environment ENV.fetch('RAILS_ENV', 'development')
workers ENV.fetch('WEB_CONCURRENCY', 2).to_i
preload_app!
"""


def sidekiq_yml(version):
    """config/sidekiq.yml: the queues and their weights; fasp came with 4.4."""
    queues = [("default", 8), ("push", 6), ("ingress", 4), ("mailers", 2), ("pull", 1), ("scheduler", 1)]
    if version_key(version) >= (4, 4):
        queues.append(("fasp", 1))
    return "---\n:concurrency: <%= ENV.fetch('SIDEKIQ_CONCURRENCY', 5).to_i %>\n:queues:\n" + "".join("  - [%s, %d]\n" % q for q in queues)


def migration_rb(entry, rails):
    """The Ruby text of a migration; the stand-in runs the SQL inside it."""
    _, name, _, _, says, sql = entry
    lines = ["# frozen_string_literal: true", "",
             "class %s < ActiveRecord::Migration[%s]" % (name, ".".join(rails.split(".")[:2]))]
    if "CONCURRENTLY" in sql:
        lines += ["  disable_ddl_transaction!", ""]
    statements = "\n".join("        " + s.strip() + ";" for s in sql.split(";") if s.strip())
    return "\n".join(lines + ["  def up", "    # says: " + says, "    safety_assured do", "      execute <<~SQL.squish",
                              statements, "      SQL", "    end", "  end", "end", ""])


def tree(version):
    """The files of a release: {path: (mode, text)}."""
    need = releases.series(version)
    key = version_key(version)
    files = {
        ".gitignore": GITIGNORE,
        ".ruby-version": need["ruby"] + "\n",
        ".nvmrc": need["node"] + "\n",
        "CHANGELOG.md": "# Changelog\n\nAll notable changes to this project will be documented in this file.\n\n## [%s]\n" % version,
        "Gemfile": "# frozen_string_literal: true\n\nsource 'https://rubygems.org'\nruby '>= %s', '< %s'\n\n"
                   "gem 'puma', '~> %s'\ngem 'rails', '~> %s'\ngem 'sidekiq', '~> %s'\n" % (
                       need["ruby_min"], need["ruby_end"], ".".join(need["puma"].split(".")[:2]),
                       ".".join(need["rails"].split(".")[:2]), need["sidekiq"].split(".")[0]),
        "Gemfile.lock": "GEM\n  remote: https://rubygems.org/\n  specs:\n    charlock_holmes (0.7.9)\n    puma (%s)\n      nio4r (~> 2.0)\n"
                        "    rails (%s)\n      railties (= %s)\n    sidekiq (%s)\n\nPLATFORMS\n  ruby\n\nDEPENDENCIES\n  charlock_holmes (~> 0.7.7)\n"
                        "  puma\n  rails\n  sidekiq\n\nBUNDLED WITH\n   2.6.9\n" % (need["puma"], need["rails"], need["rails"], need["sidekiq"]),
        "README.md": "# Mastodon\n\n## Requirements\n\n- **Ruby** %s+\n- **PostgreSQL** %s+\n- **Redis** %s+\n- **Node.js** %s+\n%s" % (
            need["ruby_min"][:3], need["pg"] // 10000 or 9, need["redis"], need["node_min"],
            "- **libvips** 8.13+\n- **FFmpeg** 5.1+\n" if need["vips"] else ""),
        "Rakefile": "require_relative 'config/application'\nRails.application.load_tasks\n",
        "bin/rails": BIN_RAILS, "bin/tootctl": BIN_TOOTCTL,
        "bin/bundle": "#!/usr/bin/env ruby\nload Gem.bin_path('bundler', 'bundle')\n",
        "config/application.rb": "# frozen_string_literal: true\n\nrequire_relative 'boot'\n",
        "config/boot.rb": "ENV['RAILS_ENV'] || abort('Set RAILS_ENV')\nrequire 'bundler/setup'\n",
        "config/puma.rb": PUMA_RB, "config/sidekiq.yml": sidekiq_yml(version),
        "dist/mastodon-web.service": UNIT_WEB, "dist/mastodon-sidekiq.service": UNIT_SIDEKIQ,
        "lib/mastodon/version.rb": VERSION_RB % (key[:3] + ("version_configuration[:metadata]" if key >= (4, 4) else METADATA,)),
        "package.json": package_json(version, need),
        ("vite.config.mts" if need["packer"] == "vite" else "config/webpacker.yml"): "# of the build of %s\n" % need["packer"],
        "yarn.lock": "# mastodon %s\n__metadata:\n  version: 8\n" % version,
        "streaming/index.js": "// the streaming server of Mastodon\n",
        "public/robots.txt": "User-agent: GPTBot\nDisallow: /\n",
        "public/500.html": "<!DOCTYPE html><title>We're sorry, but something went wrong</title>\n",
    }
    if key >= (4, 4):
        files["config/mastodon.yml"] = MASTODON_YML
    if key >= (4, 2):
        files["dist/mastodon-streaming.service"] = UNIT_STREAMING
        files["dist/mastodon-streaming@.service"] = UNIT_STREAMING_AT
    else:
        files["dist/mastodon-streaming.service"] = UNIT_STREAMING_ONE
    for entry in releases.migrations_of(version):
        folder = "db/migrate" if entry[2] == "pre" else "db/post_migrate"
        rails = releases.series(entry[3])["rails"]
        files["%s/%s_%s.rb" % (folder, entry[0], releases.underscore(entry[1]))] = migration_rb(entry, rails)
    return files


def package_json(version, need):
    lines = ['  "name": "@mastodon/mastodon"', '  "license": "AGPL-3.0-or-later"']
    if need["yarn"] != "1":
        lines.append('  "packageManager": "yarn@%s"' % need["yarn"])
    lines.append('  "engines": { "node": ">=%s" }' % need["node_min"])
    return "{\n" + ",\n".join(lines) + "\n}\n"


def fast_import(gitdir, commits):
    """Make a bare repository of [(message, tag or None, branch, when, {path: text})], each commit after the one before."""
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", gitdir], check=True)
    stream, seen, mark = [], {}, 0

    def data(text):
        raw = text.encode()
        stream.append(b"data %d\n%s\n" % (len(raw), raw))

    for number, (message, tag, branch, when, files) in enumerate(commits):
        for text in files.values():
            if text not in seen:
                mark += 1
                seen[text] = mark
                stream.append(b"blob\nmark :%d\n" % mark)
                data(text)
        stream.append(b"commit refs/heads/%s\nmark :%d\ncommitter Claire <claire@joinmastodon.example> %d +0000\n" % (
            branch.encode(), 100000 + number, when))
        data(message)
        if number:
            stream.append(b"from :%d\n" % (99999 + number))
        stream.append(b"deleteall\n")
        for path, text in files.items():
            mode = b"100755" if path.startswith("bin/") else b"100644"
            stream.append(b"M %s :%d %s\n" % (mode, seen[text], path.encode()))
        if tag:
            stream.append(b"reset refs/tags/%s\nfrom :%d\n\n" % (tag.encode(), 100000 + number))
    subprocess.run(["git", "-C", gitdir, "-c", "core.fsync=none", "fast-import", "--quiet"], input=b"".join(stream), check=True)


def make_origin(gitdir):
    """The Mastodon repository; `main` is the newest release."""
    commits = []
    for i, v in enumerate(releases.all_versions()):
        commits.append(("Bump version to v%s\n" % v, "v" + v, "main", 1676000000 + i * 4000000, tree(v)))
    fast_import(gitdir, commits)


def make_ruby_build(gitdir):
    """The ruby-build repository: one commit for each Ruby that a series pinned, oldest first."""
    names, commits, files = sorted({s["ruby"] for s in releases.SERIES.values()}, key=version_key), [], {}
    for i, ruby in enumerate(names):
        files = dict(files)
        files["share/ruby-build/" + ruby] = 'install_package "ruby-%s" "https://cache.ruby-lang.org/pub/ruby/%s/ruby-%s.tar.gz"\n' % (
            ruby, re.match(r"\d+\.\d+", ruby).group(0), ruby)
        commits.append(("ruby-build: add %s\n" % ruby, "ruby-" + ruby, "master", 1676000000 + i * 9000000, files))
    fast_import(gitdir, commits)
    subprocess.run(["git", "-C", gitdir, "symbolic-ref", "HEAD", "refs/heads/master"], check=True)


def clone_at(origin, url, target, tag, known, branch):
    """A working clone of a tag that borrows the origin's objects and knows only the tags in `known`."""
    def git(*args):
        return subprocess.run(["git", "-C", target] + list(args), check=True, stdout=subprocess.PIPE).stdout.decode()

    subprocess.run(["git", "init", "-q", "-b", branch, target], check=True)
    with open(target + "/.git/objects/info/alternates", "w", encoding="utf-8") as f:
        f.write(origin + "/objects\n")
    refs = subprocess.run(["git", "-C", origin, "for-each-ref", "--sort=refname", "--format=%(objectname) %(refname)"],
                          check=True, stdout=subprocess.PIPE).stdout.decode().split("\n")
    rows = dict((r.split(" ")[1], r.split(" ")[0]) for r in refs if r)
    head = rows["refs/tags/" + tag]
    keep = {name: sha for name, sha in rows.items() if name.startswith("refs/tags/") and name[10:] in known}
    keep["refs/remotes/origin/" + branch] = head
    keep["refs/heads/" + branch] = head
    with open(target + "/.git/packed-refs", "w", encoding="utf-8") as f:
        f.write("# pack-refs with: sorted \n" + "".join("%s %s\n" % (keep[n], n) for n in sorted(keep)))
    with open(target + "/.git/config", "a", encoding="utf-8") as f:
        f.write('[remote "origin"]\n\turl = %s\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n'
                '[branch "%s"]\n\tremote = origin\n\tmerge = refs/heads/%s\n[gc]\n\tauto = 0\n' % (url, branch, branch))
    git("read-tree", "-u", "--reset", head)
    return head
