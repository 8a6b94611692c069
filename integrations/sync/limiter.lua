-- Grants or refuses one call. Everything is measured on the server's clock, so workers need not agree on theirs.
-- KEYS: 1 calls of the connection, 2 pause of the connection, 3 pause of the workspace, 4 pause of the endpoint,
--       5 share of the workspace
-- ARGV: 1 window (ms), 2 calls allowed per window (0: no budget), 3 share of it for this lane (per mille),
--       4 unique name of this call, 5 recovery of the workspace's share (per mille a minute)
-- Answers {granted, wait in ms, what refused: 1 budget, 2 connection, 3 workspace, 4 endpoint}
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

for place = 2, 4 do
  local until_ms = tonumber(redis.call('GET', KEYS[place]) or '0')
  if until_ms > now then
    return {0, until_ms - now, place}
  end
end

local budget = tonumber(ARGV[2])
if budget == 0 then
  return {1, 0, 0}
end

local share = tonumber(redis.call('HGET', KEYS[5], 'share') or '1000')
if share < 1000 then
  local since = tonumber(redis.call('HGET', KEYS[5], 'at') or now)
  share = math.min(1000, share + math.floor((now - since) / 60000 * tonumber(ARGV[5])))
end

local window = tonumber(ARGV[1])
local allowed = math.max(1, math.floor(budget * tonumber(ARGV[3]) / 1000 * share / 1000))
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - window)
local used = redis.call('ZCARD', KEYS[1])
if used >= allowed then
  local leaving = redis.call('ZRANGE', KEYS[1], used - allowed, used - allowed, 'WITHSCORES')
  return {0, math.max(1, leaving[2] + window - now), 1}
end
redis.call('ZADD', KEYS[1], now, ARGV[4])
redis.call('PEXPIRE', KEYS[1], window)
return {1, 0, 0}
