-- What people ask of the history of jobs: by which present a run decided what is
-- complete (a simulated cloud has its own), and which runs never came to their end.

ALTER TABLE job ADD COLUMN as_of_ms INTEGER;

-- Whoever takes the folder's lock looks for runs that nobody can be at any more.
CREATE INDEX job_unfinished ON job (job_id) WHERE finished_ms IS NULL AND success IS NULL;
