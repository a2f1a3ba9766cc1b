-- Closed days, and what became of them afterwards.

-- name: closings
SELECT through_ms, closed_ms, closed_by, reason FROM closing ORDER BY through_ms;

-- name: close
INSERT INTO closing (through_ms, closed_ms, closed_by, reason) VALUES (?1, ?2, ?3, ?4);

-- name: restated
SELECT start_ms, generation FROM restated ORDER BY start_ms;

-- name: restated_as
SELECT generation FROM restated WHERE start_ms = ?1;

-- name: restate
INSERT INTO restated (start_ms, generation) VALUES (?1, ?2)
ON CONFLICT (start_ms) DO UPDATE SET generation = excluded.generation;

-- name: adjustments
SELECT start_ms, corrects_ms, from_generation, to_generation, generation FROM adjustment
ORDER BY start_ms, generation, corrects_ms;

-- name: clear_adjustments
DELETE FROM adjustment WHERE start_ms = ?1 AND generation = ?2;

-- name: put_adjustment
INSERT INTO adjustment (start_ms, generation, corrects_ms, from_generation, to_generation)
VALUES (?1, ?2, ?3, ?4, ?5);
