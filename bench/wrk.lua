-- Sends the requests of the files unchanged: one; of two, the second every 20th time; of more, each in turn.
-- Prints one line of JSON, with the count of each latency.
local requests = {}
local sent = 0

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

function init(args)
  for at = 1, #args do
    requests[at] = read(args[at])
  end
end

function request()
  sent = sent + 1
  if #requests > 2 then
    return requests[sent % #requests + 1]
  end
  return requests[sent % 20 == 0 and #requests or 1]
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
