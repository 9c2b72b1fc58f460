# frozen_string_literal: true
# SPDX-License-Identifier: GPL-3.0-or-later
# site.ru - the practice site under a real Puma: every request goes to the stand-in's application (main.py site), a child that boots
# when Puma preloads and ends with it, also when Puma starts itself anew.
require 'socket'

module Standin
  MAIN = File.expand_path('../main.py', __dir__)
  HOP = %w[connection transfer-encoding keep-alive].freeze

  # The child says on `told` where it listens, or why it does not; it ends when nobody holds `alive` any more.
  def self.boot
    told, says = IO.pipe
    watch, @alive = IO.pipe
    child = spawn('/usr/bin/python3', '-I', '-S', MAIN, 'site', Dir.pwd, says.fileno.to_s, watch.fileno.to_s, says => says, watch => watch)
    says.close
    watch.close
    words = told.read
    return words if words.start_with?("\0")

    status = Process.wait2(child).last.exitstatus
    # As Ruby would raise it, where it names an error; what only prints and leaves is a SystemExit.
    kind = words[/\A(\w+Error): /, 1]
    raise Object.const_get(kind), words.sub(/\A\w+Error: /, '') if kind && Object.const_defined?(kind)

    warn words
    exit status || 1
  end

  PLACE = boot

  # One request as it came, one connection; the answer as it goes.
  def self.call(env)
    socket = UNIXSocket.new(PLACE)
    socket.write(request(env))
    head, body = socket.read.b.split("\r\n\r\n", 2)
    status, *lines = head.split("\r\n")
    pairs = lines.map { |line| line.split(': ', 2) }
    [status.split(' ')[1].to_i, pairs.reject { |name, _| HOP.include?(name.downcase) }.to_h, [body]]
  ensure
    socket&.close
  end

  def self.request(env)
    body = env['rack.input'].read
    fields = env.select { |name, _| name.start_with?('HTTP_') }.transform_keys { |name| name[5..].tr('_', '-') }
    fields['CONTENT-TYPE'] = env['CONTENT_TYPE'] if env['CONTENT_TYPE']
    fields['CONTENT-LENGTH'] = body.bytesize
    lines = fields.reject { |name, _| HOP.include?(name.downcase) }.map { |name, value| "#{name}: #{value}\r\n" }
    "#{env['REQUEST_METHOD']} #{env['REQUEST_URI'] || env['PATH_INFO']} HTTP/1.1\r\n#{lines.join}\r\n#{body}"
  end
end

run Standin
