-- Sends the request in the first file and, every 20th time, the one in the second file, if there is one, unchanged.
-- Prints one line of JSON, with the count of each latency.
local usual, odd
local sent = 0

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

function init(args)
  usual = read(args[1])
  odd = args[2] and read(args[2]) or usual
end

function request()
  sent = sent + 1
  return sent % 20 == 0 and odd or usual
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.timeout + errors.status
  local times = {}
  for at = 1, #latency do
    local us, count = latency(at)
    times[at] = string.format("[%d,%d]", us, count)
  end
  io.write(string.format('\nJSON {"calls":%d,"errors":%d,"seconds":%f,"times":[%s]}\n',
    summary.requests, failed, summary.duration / 1e6, table.concat(times, ",")))
end
