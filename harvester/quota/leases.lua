-- One key's calls, shared by all machines that name this server. Runs as one step, on the server's own clock.
--
-- A process holds calls on a lease, which it renews. Held calls count until they are answered, and answered ones for
-- PERIOD more; what a process still held when its lease ended counts from that end on. So in no window of PERIOD can
-- more than CALLS arrive where they are counted, whoever dies or is stopped.
--
-- KEYS[1]  the state, packed; one value, so that it is there as a whole or not at all
-- ARGV     1 owner        any text that no other process uses
--          2 answered     calls of this owner that were answered, since it began
--          3 known        how many of them an earlier reply has confirmed
--          4 holding      calls that it has and that are not answered
--          5 want         calls that it would like besides
--          6 calls, 7 period, 8 lease     the quota, and how long the lease is to last (microseconds)
--          9 run          the server's run_id as the caller knows it
--         10 durable      1: whatever this server has ever replied, it knows after a restart
--         11 doing        "" to go on, "leave" for the owner's end, "begin" to forget all that was
-- Returns {status, granted, microseconds until more, calls that count now, microseconds that the count is full yet}.
-- status: 0 well; 1 the server is another than `run`; 2 the state was written by a newer version

local FORMAT, ENTRIES = 1, 512
local owner, answered, known = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local holding, want = tonumber(ARGV[4]), tonumber(ARGV[5])
local calls, period, lease = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])

local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
if run ~= ARGV[9] then return {1, 0, 0, 0, 0} end
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

local state
local packed = redis.call('GET', KEYS[1])
if packed then
  local is_whole, value = pcall(cmsgpack.unpack, packed)
  if is_whole and type(value) == 'table' and type(value.format) == 'number' then state = value end
end
if state and state.format > FORMAT then return {2, 0, 0, 0, 0} end
if not state or ARGV[11] == 'begin' then
  -- What is not remembered may all have been spent just now.
  state = {format = FORMAT, run = run, now = now, full = now, longest = period, at = {}, count = {}, owners = {}}
  if ARGV[11] == 'begin' then state.full = 0 end
elseif state.run ~= run then
  -- Another server, or the same one started again, goes on where this one was only if nothing was forgotten.
  if ARGV[10] ~= '1' then state.full = math.max(now, state.now) end
  state.run = run
end
now = math.max(now, state.now)
state.now = now
state.longest = math.max(state.longest, period)

local at, count = state.at, state.count
local grain = math.max(math.floor(period / ENTRIES), 1)
local function append(when, number)
  if number <= 0 then return end
  local last = #at
  if last > 0 and when < at[last] then when = at[last] end
  if last > 0 and math.floor(when / grain) == math.floor(at[last] / grain) then
    at[last], count[last] = when, count[last] + number
  else
    at[last + 1], count[last + 1] = when, number
  end
end

local held, wanting = 0, 0
for name, other in pairs(state.owners) do
  if name ~= owner then
    if other.lease < now then
      append(other.lease, other.held)
      state.owners[name] = nil
    else
      held = held + other.held
      if other.wants >= now then wanting = wanting + 1 end
    end
  end
end

local mine = state.owners[owner]
if mine then append(now, answered - mine.answered) else append(now, answered - known) end

local first = 1
while first <= #at and at[first] <= now - state.longest do first = first + 1 end
if first > 1 then
  local kept_at, kept_count = {}, {}
  for index = first, #at do
    kept_at[#kept_at + 1], kept_count[#kept_count + 1] = at[index], count[index]
  end
  state.at, state.count = kept_at, kept_count
  at, count = kept_at, kept_count
end

local used = held + holding
for index = 1, #at do
  if at[index] > now - period then used = used + count[index] end
end
local granted, wait, full = 0, 0, math.max(state.full + period - now, 0)
local free = calls - used
if full > 0 then
  used, wait = calls, full
elseif free > 0 then
  -- Half of what is free, shared among those that want some: what one holds, the others cannot use.
  granted = math.min(want, math.max(math.floor(free / (2 * (wanting + 1))), 1))
else
  wait = period
  local lack = 1 - free
  for index = 1, #at do
    if at[index] > now - period then
      lack = lack - count[index]
      if lack <= 0 then
        wait = at[index] + period - now
        break
      end
    end
  end
end

if ARGV[11] == 'leave' and holding == 0 then
  state.owners[owner] = nil
else
  local wants = 0
  if want > granted then wants = now + 1000000 end
  state.owners[owner] = {answered = answered, held = holding + granted, lease = now + lease, wants = wants}
end
redis.call('SET', KEYS[1], cmsgpack.pack(state))
return {0, granted, math.ceil(wait), math.min(used + granted, calls), math.ceil(full)}
