-- Notes a refusal of the service: nobody calls before the pause is over, and a shared limit halves the share.
-- KEYS: 1 pause to set, 2 share of the workspace
-- ARGV: 1 pause (ms), 2 "1" when the whole workspace is over its limit, 3 recovery (per mille a minute)
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local until_ms = now + tonumber(ARGV[1])
if until_ms > tonumber(redis.call('GET', KEYS[1]) or '0') then
  redis.call('SET', KEYS[1], string.format('%.0f', until_ms), 'PX', ARGV[1])
end
if ARGV[2] == '1' then
  local share = tonumber(redis.call('HGET', KEYS[2], 'share') or '1000')
  local since = tonumber(redis.call('HGET', KEYS[2], 'at') or now)
  share = math.min(1000, share + math.floor((now - since) / 60000 * tonumber(ARGV[3])))
  redis.call('HSET', KEYS[2], 'share', math.max(50, math.floor(share / 2)), 'at', string.format('%.0f', now))
  redis.call('PEXPIRE', KEYS[2], 3600000)
end
return until_ms - now
