-- limits/gcra.py inside Redis: one key, one number, Redis's own clock.
-- KEYS[1] bucket; ARGV interval (microseconds per token), burst, cost. Answers {allowed 0 or 1, wait in microseconds}.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local interval, burst, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local most = now + burst * interval
local known = math.min(math.max(tonumber(redis.call('GET', KEYS[1]) or now), now), most)
local after = known + cost * interval
if after > most then
  return {0, after - most}
end
-- %.0f: Lua's own form of so large a number drops its last digits.
redis.call('SET', KEYS[1], string.format('%.0f', after), 'PX', math.ceil((after - now) / 1000))
return {1, 0}
