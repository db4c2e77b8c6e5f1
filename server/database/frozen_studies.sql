-- Whatever belongs to a frozen study stays as it is: of each of its rows, none comes, changes or goes. The daemon
-- carries this text behind schema.sql, and behind the step to version 7. A later version that changes a trigger
-- does so here, and in its own step drops that trigger and makes it anew.

CREATE VIEW frozen_studies AS SELECT id FROM studies WHERE state = 'frozen';
CREATE VIEW frozen_participants AS
SELECT p.id FROM participants p JOIN studies s ON s.id = p.study_id WHERE s.state = 'frozen';
CREATE VIEW frozen_sessions AS
SELECT k.session_id AS id FROM participant_sessions k JOIN participants p ON p.id = k.participant_id
JOIN studies s ON s.id = p.study_id WHERE s.state = 'frozen';

-- The study itself, but for the hash of what it exports, once.
CREATE TRIGGER frozen_studies_never_change BEFORE UPDATE ON studies
WHEN OLD.state = 'frozen' AND NOT (OLD.export_sha256 IS NULL AND NEW.id = OLD.id AND NEW.name = OLD.name
    AND NEW.state = 'frozen' AND NEW.seed = OLD.seed AND NEW.account_id IS OLD.account_id
    AND NEW.created_at = OLD.created_at AND NEW.opened_at IS OLD.opened_at AND NEW.closed_at IS OLD.closed_at
    AND NEW.frozen_at = OLD.frozen_at)
BEGIN SELECT RAISE(ABORT, 'the study is frozen'); END;
CREATE TRIGGER frozen_studies_never_shrink BEFORE DELETE ON studies WHEN OLD.state = 'frozen'
BEGIN SELECT RAISE(ABORT, 'the study is frozen'); END;

-- Rows that name their study.
CREATE TRIGGER frozen_study_versions_never_grow BEFORE INSERT ON study_versions
WHEN EXISTS (SELECT 1 FROM frozen_studies f WHERE f.id = NEW.study_id)
BEGIN SELECT RAISE(ABORT, 'the study is frozen'); END;
CREATE TRIGGER frozen_study_versions_never_change BEFORE UPDATE ON study_versions
WHEN EXISTS (SELECT 1 FROM frozen_studies f WHERE f.id IN (OLD.study_id, NEW.study_id))
BEGIN SELECT RAISE(ABORT, 'the study is frozen'); END;
CREATE TRIGGER frozen_study_versions_never_shrink BEFORE DELETE ON study_versions
WHEN EXISTS (SELECT 1 FROM frozen_studies f WHERE f.id = OLD.study_id)
BEGIN SELECT RAISE(ABORT, 'the study is frozen'); END;
CREATE TRIGGER frozen_consent_texts_never_grow BEFORE INSERT ON consent_texts
WHEN EXISTS (SELECT 1 FROM frozen_studies f WHERE f.id = NEW.study_id)
BEGIN SELECT RAISE(ABORT, 'the study is frozen'); END;
CREATE TRIGGER frozen_consent_texts_never_change BEFORE UPDATE ON consent_texts
WHEN EXISTS (SELECT 1 FROM frozen_studies f WHERE f.id IN (OLD.study_id, NEW.study_id))
BEGIN SELECT RAISE(ABORT, 'the study is frozen'); END;
CREATE TRIGGER frozen_consent_texts_never_shrink BEFORE DELETE ON consent_texts
WHEN EXISTS (SELECT 1 FROM frozen_studies f WHERE f.id = OLD.study_id)
BEGIN SELECT RAISE(ABORT, 'the study is frozen'); END;
CREATE TRIGGER frozen_study_decks_never_grow BEFORE INSERT ON study_decks
WHEN EXISTS (SELECT 1 FROM frozen_studies f WHERE f.id = NEW.study_id)
BEGIN SELECT RAISE(ABORT, 'the study is frozen'); END;
CREATE TRIGGER frozen_study_decks_never_change BEFORE UPDATE ON study_decks
WHEN EXISTS (SELECT 1 FROM frozen_studies f WHERE f.id IN (OLD.study_id, NEW.study_id))
BEGIN SELECT RAISE(ABORT, 'the study is frozen'); END;
CREATE TRIGGER frozen_study_decks_never_shrink BEFORE DELETE ON study_decks
WHEN EXISTS (SELECT 1 FROM frozen_studies f WHERE f.id = OLD.study_id)
BEGIN SELECT RAISE(ABORT, 'the study is frozen'); END;
CREATE TRIGGER frozen_study_test_items_never_grow BEFORE INSERT ON study_test_items
WHEN EXISTS (SELECT 1 FROM frozen_studies f WHERE f.id = NEW.study_id)
BEGIN SELECT RAISE(ABORT, 'the study is frozen'); END;
CREATE TRIGGER frozen_study_test_items_never_change BEFORE UPDATE ON study_test_items
WHEN EXISTS (SELECT 1 FROM frozen_studies f WHERE f.id IN (OLD.study_id, NEW.study_id))
BEGIN SELECT RAISE(ABORT, 'the study is frozen'); END;
CREATE TRIGGER frozen_study_test_items_never_shrink BEFORE DELETE ON study_test_items
WHEN EXISTS (SELECT 1 FROM frozen_studies f WHERE f.id = OLD.study_id)
BEGIN SELECT RAISE(ABORT, 'the study is frozen'); END;
CREATE TRIGGER frozen_study_allocations_never_grow BEFORE INSERT ON study_allocations
WHEN EXISTS (SELECT 1 FROM frozen_studies f WHERE f.id = NEW.study_id)
BEGIN SELECT RAISE(ABORT, 'the study is frozen'); END;
CREATE TRIGGER frozen_study_allocations_never_change BEFORE UPDATE ON study_allocations
WHEN EXISTS (SELECT 1 FROM frozen_studies f WHERE f.id IN (OLD.study_id, NEW.study_id))
BEGIN SELECT RAISE(ABORT, 'the study is frozen'); END;
CREATE TRIGGER frozen_study_allocations_never_shrink BEFORE DELETE ON study_allocations
WHEN EXISTS (SELECT 1 FROM frozen_studies f WHERE f.id = OLD.study_id)
BEGIN SELECT RAISE(ABORT, 'the study is frozen'); END;
CREATE TRIGGER frozen_participants_never_grow BEFORE INSERT ON participants
WHEN EXISTS (SELECT 1 FROM frozen_studies f WHERE f.id = NEW.study_id)
BEGIN SELECT RAISE(ABORT, 'the study is frozen'); END;
CREATE TRIGGER frozen_participants_never_change BEFORE UPDATE ON participants
WHEN EXISTS (SELECT 1 FROM frozen_studies f WHERE f.id IN (OLD.study_id, NEW.study_id))
BEGIN SELECT RAISE(ABORT, 'the study is frozen'); END;
CREATE TRIGGER frozen_participants_never_shrink BEFORE DELETE ON participants
WHEN EXISTS (SELECT 1 FROM frozen_studies f WHERE f.id = OLD.study_id)
BEGIN SELECT RAISE(ABORT, 'the study is frozen'); END;
CREATE TRIGGER frozen_study_participants_never_grow BEFORE INSERT ON study_participants
WHEN EXISTS (SELECT 1 FROM frozen_studies f WHERE f.id = NEW.study_id)
BEGIN SELECT RAISE(ABORT, 'the study is frozen'); END;
CREATE TRIGGER frozen_study_participants_never_change BEFORE UPDATE ON study_participants
WHEN EXISTS (SELECT 1 FROM frozen_studies f WHERE f.id IN (OLD.study_id, NEW.study_id))
BEGIN SELECT RAISE(ABORT, 'the study is frozen'); END;
CREATE TRIGGER frozen_study_participants_never_shrink BEFORE DELETE ON study_participants
WHEN EXISTS (SELECT 1 FROM frozen_studies f WHERE f.id = OLD.study_id)
BEGIN SELECT RAISE(ABORT, 'the study is frozen'); END;
CREATE TRIGGER frozen_withdrawals_never_grow BEFORE INSERT ON withdrawals
WHEN EXISTS (SELECT 1 FROM frozen_studies f WHERE f.id = NEW.study_id)
BEGIN SELECT RAISE(ABORT, 'the study is frozen'); END;
CREATE TRIGGER frozen_withdrawals_never_change BEFORE UPDATE ON withdrawals
WHEN EXISTS (SELECT 1 FROM frozen_studies f WHERE f.id IN (OLD.study_id, NEW.study_id))
BEGIN SELECT RAISE(ABORT, 'the study is frozen'); END;
CREATE TRIGGER frozen_withdrawals_never_shrink BEFORE DELETE ON withdrawals
WHEN EXISTS (SELECT 1 FROM frozen_studies f WHERE f.id = OLD.study_id)
BEGIN SELECT RAISE(ABORT, 'the study is frozen'); END;

-- Rows that name their participant.
CREATE TRIGGER frozen_participant_sessions_never_grow BEFORE INSERT ON participant_sessions
WHEN EXISTS (SELECT 1 FROM frozen_participants f WHERE f.id = NEW.participant_id)
BEGIN SELECT RAISE(ABORT, 'the study is frozen'); END;
CREATE TRIGGER frozen_participant_sessions_never_change BEFORE UPDATE ON participant_sessions
WHEN EXISTS (SELECT 1 FROM frozen_participants f WHERE f.id IN (OLD.participant_id, NEW.participant_id))
BEGIN SELECT RAISE(ABORT, 'the study is frozen'); END;
CREATE TRIGGER frozen_participant_sessions_never_shrink BEFORE DELETE ON participant_sessions
WHEN EXISTS (SELECT 1 FROM frozen_participants f WHERE f.id = OLD.participant_id)
BEGIN SELECT RAISE(ABORT, 'the study is frozen'); END;
CREATE TRIGGER frozen_participant_answers_never_grow BEFORE INSERT ON participant_answers
WHEN EXISTS (SELECT 1 FROM frozen_participants f WHERE f.id = NEW.participant_id)
BEGIN SELECT RAISE(ABORT, 'the study is frozen'); END;
CREATE TRIGGER frozen_participant_answers_never_change BEFORE UPDATE ON participant_answers
WHEN EXISTS (SELECT 1 FROM frozen_participants f WHERE f.id IN (OLD.participant_id, NEW.participant_id))
BEGIN SELECT RAISE(ABORT, 'the study is frozen'); END;
CREATE TRIGGER frozen_participant_answers_never_shrink BEFORE DELETE ON participant_answers
WHEN EXISTS (SELECT 1 FROM frozen_participants f WHERE f.id = OLD.participant_id)
BEGIN SELECT RAISE(ABORT, 'the study is frozen'); END;

-- Rows that name their session.
CREATE TRIGGER frozen_sessions_never_change BEFORE UPDATE ON sessions
WHEN EXISTS (SELECT 1 FROM frozen_sessions f WHERE f.id IN (OLD.id, NEW.id))
BEGIN SELECT RAISE(ABORT, 'the study is frozen'); END;
CREATE TRIGGER frozen_sessions_never_shrink BEFORE DELETE ON sessions
WHEN EXISTS (SELECT 1 FROM frozen_sessions f WHERE f.id = OLD.id)
BEGIN SELECT RAISE(ABORT, 'the study is frozen'); END;
CREATE TRIGGER frozen_session_learners_never_grow BEFORE INSERT ON session_learners
WHEN EXISTS (SELECT 1 FROM frozen_sessions f WHERE f.id = NEW.session_id)
BEGIN SELECT RAISE(ABORT, 'the study is frozen'); END;
CREATE TRIGGER frozen_session_learners_never_change BEFORE UPDATE ON session_learners
WHEN EXISTS (SELECT 1 FROM frozen_sessions f WHERE f.id IN (OLD.session_id, NEW.session_id))
BEGIN SELECT RAISE(ABORT, 'the study is frozen'); END;
CREATE TRIGGER frozen_session_learners_never_shrink BEFORE DELETE ON session_learners
WHEN EXISTS (SELECT 1 FROM frozen_sessions f WHERE f.id = OLD.session_id)
BEGIN SELECT RAISE(ABORT, 'the study is frozen'); END;
CREATE TRIGGER frozen_items_never_grow BEFORE INSERT ON items
WHEN EXISTS (SELECT 1 FROM frozen_sessions f WHERE f.id = NEW.session_id)
BEGIN SELECT RAISE(ABORT, 'the study is frozen'); END;
CREATE TRIGGER frozen_items_never_change BEFORE UPDATE ON items
WHEN EXISTS (SELECT 1 FROM frozen_sessions f WHERE f.id IN (OLD.session_id, NEW.session_id))
BEGIN SELECT RAISE(ABORT, 'the study is frozen'); END;
CREATE TRIGGER frozen_items_never_shrink BEFORE DELETE ON items
WHEN EXISTS (SELECT 1 FROM frozen_sessions f WHERE f.id = OLD.session_id)
BEGIN SELECT RAISE(ABORT, 'the study is frozen'); END;
CREATE TRIGGER frozen_answers_never_grow BEFORE INSERT ON answers
WHEN EXISTS (SELECT 1 FROM frozen_sessions f WHERE f.id = NEW.session_id)
BEGIN SELECT RAISE(ABORT, 'the study is frozen'); END;
CREATE TRIGGER frozen_answers_never_change BEFORE UPDATE ON answers
WHEN EXISTS (SELECT 1 FROM frozen_sessions f WHERE f.id IN (OLD.session_id, NEW.session_id))
BEGIN SELECT RAISE(ABORT, 'the study is frozen'); END;
CREATE TRIGGER frozen_answers_never_shrink BEFORE DELETE ON answers
WHEN EXISTS (SELECT 1 FROM frozen_sessions f WHERE f.id = OLD.session_id)
BEGIN SELECT RAISE(ABORT, 'the study is frozen'); END;
CREATE TRIGGER frozen_session_models_never_grow BEFORE INSERT ON session_models
WHEN EXISTS (SELECT 1 FROM frozen_sessions f WHERE f.id = NEW.session_id)
BEGIN SELECT RAISE(ABORT, 'the study is frozen'); END;
CREATE TRIGGER frozen_session_models_never_change BEFORE UPDATE ON session_models
WHEN EXISTS (SELECT 1 FROM frozen_sessions f WHERE f.id IN (OLD.session_id, NEW.session_id))
BEGIN SELECT RAISE(ABORT, 'the study is frozen'); END;
CREATE TRIGGER frozen_session_models_never_shrink BEFORE DELETE ON session_models
WHEN EXISTS (SELECT 1 FROM frozen_sessions f WHERE f.id = OLD.session_id)
BEGIN SELECT RAISE(ABORT, 'the study is frozen'); END;

-- Rows that lead there by another one.
CREATE TRIGGER frozen_consents_never_grow BEFORE INSERT ON consents
WHEN EXISTS (SELECT 1 FROM consent_texts c JOIN frozen_studies f ON f.id = c.study_id WHERE c.id = NEW.consent_text_id)
BEGIN SELECT RAISE(ABORT, 'the study is frozen'); END;
CREATE TRIGGER frozen_consents_never_change BEFORE UPDATE ON consents
WHEN EXISTS (SELECT 1 FROM consent_texts c JOIN frozen_studies f ON f.id = c.study_id WHERE c.id = OLD.consent_text_id)
BEGIN SELECT RAISE(ABORT, 'the study is frozen'); END;
CREATE TRIGGER frozen_consents_never_shrink BEFORE DELETE ON consents
WHEN EXISTS (SELECT 1 FROM consent_texts c JOIN frozen_studies f ON f.id = c.study_id WHERE c.id = OLD.consent_text_id)
BEGIN SELECT RAISE(ABORT, 'the study is frozen'); END;
CREATE TRIGGER frozen_answer_context_never_grows BEFORE INSERT ON answer_context
WHEN EXISTS (SELECT 1 FROM answers a JOIN frozen_sessions f ON f.id = a.session_id WHERE a.id = NEW.answer_id)
BEGIN SELECT RAISE(ABORT, 'the study is frozen'); END;
CREATE TRIGGER frozen_answer_context_never_changes BEFORE UPDATE ON answer_context
WHEN EXISTS (SELECT 1 FROM answers a JOIN frozen_sessions f ON f.id = a.session_id WHERE a.id = OLD.answer_id)
BEGIN SELECT RAISE(ABORT, 'the study is frozen'); END;
CREATE TRIGGER frozen_answer_context_never_shrinks BEFORE DELETE ON answer_context
WHEN EXISTS (SELECT 1 FROM answers a JOIN frozen_sessions f ON f.id = a.session_id WHERE a.id = OLD.answer_id)
BEGIN SELECT RAISE(ABORT, 'the study is frozen'); END;
