-- Payments of one fen by card at terminals, for wrk: `wrk … -- FOLDER NAME`, with a token on each line of
-- FOLDER/tokens and the UID of a card on each line of FOLDER/uids. NAME makes the ids those of this run alone.
local here = debug.getinfo(1, "S").source:match("^@(.*/)")
dofile(here .. "wrk_summary.lua")

local tokens, uids, run, number = {}, {}, "", 0

local function lines(path)
  local found = {}
  for line in io.lines(path) do found[#found + 1] = line end
  return found
end

function init(arguments)
  tokens, uids = lines(arguments[1] .. "/tokens"), lines(arguments[1] .. "/uids")
  run = arguments[2]
  math.randomseed(1)
end

-- Each id is new and larger than the one before, as UUIDs of version 7 are.
function request()
  number = number + 1
  local body = string.format(
    '{"id": "%s-7000-8000-%012x", "amount": 1, "card": {"uid": "%s"}}', run, number, uids[math.random(#uids)]
  )
  local headers = {
    ["Authorization"] = "Bearer " .. tokens[math.random(#tokens)],
    ["Content-Type"] = "application/json",
  }
  return wrk.format("POST", nil, headers, body)
end
