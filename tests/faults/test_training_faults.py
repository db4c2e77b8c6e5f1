"""A training that is killed, stopped, out of disk, or finds its files damaged: it ends as the undisturbed run
does, to the byte, and never loses more than the last interval."""

import fcntl
import functools
import json
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../commands"))
from trainer import (PROGRAM, SMALL, TrainerTest, edit_state, environment, phantoms, read, roentgym,  # noqa: E402
                     states, tree, write)

# 28 ticks, one of them in every fade and one at the end of every level. Everything that a state must hold is in
# use: two losses' worth of counters, augmentation that adapts, a rate that rises.
LENGTH = ["--levels", "4:0/0.7,8:0.5/0.5,16:0.5/0.5", "--tick-kimg", "0.1"]
MORE = ["--augment", "ada", "--lr-rampup-kimg", "0.5", "--metric-kimg", "0.1"]
BEGIN = [*SMALL, *LENGTH, *MORE, "--seed", 4]


@functools.cache
def undisturbed():
    """Folder of a run that nothing happened to."""
    folder = os.path.join(os.path.dirname(phantoms()), "undisturbed")
    made = roentgym("train", "--data", phantoms(), "--out", folder, *BEGIN)
    assert made.returncode == 0, made.stderr
    return folder


def lines(run):
    """metrics.jsonl without what a clock has measured."""
    def untimed(value):
        if not isinstance(value, dict):
            return value
        return {key: untimed(inner) for key, inner in value.items()
                if key not in ("images_per_s", "elapsed_s", "seconds")}

    return [untimed(json.loads(line)) for line in read(run, "metrics.jsonl").decode().splitlines()]


def wait_until_it_listens(process):
    """Until it has a handler for SIGINT. Before, that ends it at once."""
    while process.poll() is None:
        with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
            (caught,) = (int(line.split()[1], 16) for line in file if line.startswith("SigCgt:"))
        if os.readlink(f"/proc/{process.pid}/exe") == os.path.realpath(PROGRAM) and caught >> signal.SIGINT - 1 & 1:
            return


class TrainingTest(TrainerTest):
    def setUp(self):
        super().setUp()
        self.run_folder = self.path("run")
        self.train = ["train", "--data", phantoms(), "--out", self.run_folder]

    def next_command(self):
        """A run that was killed before its first state begins anew."""
        begun = os.path.isdir(self.run_folder) and states(self.run_folder)
        return [*self.train, "--resume"] if begun else [*self.train, *BEGIN]

    def to_the_end(self):
        self.succeed(*self.next_command())

    def assert_as_undisturbed(self, same_states=True):
        ours, theirs = tree(self.run_folder), tree(undisturbed())
        if same_states:
            self.assertEqual(sorted(ours), sorted(theirs))
        else:  # that of a stop takes the place of an older one; the last is the same
            self.assertIn(os.path.basename(states(undisturbed())[-1]), ours)
            theirs = {name: content for name, content in theirs.items()
                      if name in ours or not name.startswith("state-")}
        self.assertEqual(lines(self.run_folder), lines(undisturbed()))
        for name, content in theirs.items():
            if name != "metrics.jsonl":
                self.assertTrue(ours[name] == content, f"{name} differs")

    def begin(self, *more):
        return subprocess.Popen([PROGRAM, *map(str, self.next_command()), *more], env=environment(), text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def has_states(self, count):
        return os.path.isdir(self.run_folder) and len(states(self.run_folder)) >= count

    def standing(self, count, *more):
        """A training stopped by SIGSTOP when it had written `count` states or a few more, far from its end. When it was
        faster than we, who may be held up, the next one begins."""
        while True:
            process = self.begin(*more)
            while process.poll() is None and not self.has_states(count):
                time.sleep(0.002)
            process.send_signal(signal.SIGSTOP)
            if process.poll() is None and os.path.basename(states(self.run_folder)[-1]) < "state-00002.0":
                return process
            process.kill()
            self.assertIn(process.communicate()[1], ("", None))
            shutil.rmtree(self.run_folder)


class Interrupted(TrainingTest):
    def disturb(self, numbers, times, seed, same_states):
        """Ends the run `times` times at random moments, and lets it come to its end. On a fast machine it may end
        before it is hit often enough: then the next one begins."""
        moment = random.Random(seed)
        hits = 0
        while hits < times:
            with self.begin() as process:
                time.sleep(moment.uniform(0, 0.5))
                number = moment.choice(numbers)
                process.send_signal(number)
                output, errors = process.communicate(timeout=300)
                if process.returncode == -number:  # killed, or before it listens to signals
                    hits += 1
                    continue
                self.assertEqual((process.returncode, errors), (0, ""))
                if "stopped" in output:
                    hits += 1
                    self.assertRegex(output.splitlines()[-1], "--resume goes on|same command starts again")
                else:
                    self.assert_as_undisturbed(same_states)
                    shutil.rmtree(self.run_folder)
        self.to_the_end()
        self.assert_as_undisturbed(same_states)

    def test_killed_at_random_moments_it_ends_with_the_same_bytes(self):
        self.disturb([signal.SIGKILL], 15, seed=1, same_states=True)

    def test_stopped_and_killed_at_random_moments_it_ends_with_the_same_bytes(self):
        numbers = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL]
        self.disturb(numbers, 15, seed=2, same_states=False)

    def test_it_goes_on_when_nobody_reads_its_lines_any_more(self):
        with self.begin() as process:
            process.stdout.close()
            self.assertEqual((process.stderr.read(), process.wait(timeout=300)), ("", 0))
        self.assert_as_undisturbed()

    def test_nohup_is_respected(self):
        command = ["nohup", PROGRAM, *map(str, self.next_command())]
        with subprocess.Popen(command, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as process:
            while process.poll() is None and not self.has_states(1):
                time.sleep(0.002)
            process.send_signal(signal.SIGHUP)
            self.assertEqual(process.wait(timeout=300), 0)
        self.assert_as_undisturbed()

    def test_stopped_before_the_training_began_it_exits_0_and_leaves_nothing(self):
        data = self.path("data")
        shutil.copytree(phantoms(), data)
        with open(os.path.join(data, "labels.csv"), "r+", encoding="utf-8") as labels:  # it reads them for a while
            _, row, *_ = labels.read().splitlines()
            file, rest = row.split(",", 1)
            for i in range(5000):
                os.link(os.path.join(data, file), os.path.join(data, f"{file}.{i}"))
                labels.write(f"{file}.{i},{rest}\n")
        descriptor = os.open(data, os.O_RDONLY)
        self.addCleanup(os.close, descriptor)
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # as another training does while it builds the pyramid
        self.train[2] = data
        for delay_ms in (0, 1, 2, 4, 8, 100):  # before it asks for the lock, and while it waits
            with self.begin() as process:
                wait_until_it_listens(process)
                time.sleep(delay_ms / 1000)
                process.send_signal(signal.SIGINT)
                output, errors = process.communicate(timeout=60)
            self.assertEqual((process.returncode, errors), (0, ""))
            self.assertIn("stopped before the training began", output)
            self.assertFalse(os.path.exists(self.run_folder))

    def test_a_run_keeps_the_precision_it_began_with(self):
        with self.standing(3, "--precision", "f32") as process:
            process.kill()
            process.communicate()
        self.to_the_end()
        other = self.path("other")
        self.succeed("train", "--data", phantoms(), "--out", other, *BEGIN, "--precision", "f32")
        self.assertEqual(read(states(self.run_folder)[-1]), read(states(other)[-1]))


class Damaged(TrainingTest):
    def stopped(self, count=3):
        """A run that was killed with `count` states."""
        with self.standing(count) as process:
            process.kill()
            process.communicate()
        return states(self.run_folder)

    def test_a_damaged_newest_state_is_told_and_the_one_before_it_used(self):
        def cut(content):
            return content[:len(content) // 2]

        def flip(content):
            changed = bytearray(content)
            changed[-1000] ^= 4  # in the mantissa of a weight: safetensors itself has nothing against it
            return bytes(changed)

        def flip_counter(content):
            return content.replace(b'"adam_step":"', b'"adam_step":"1', 1)[:-1]

        for damage in (cut, flip, flip_counter, lambda content: b""):
            with self.subTest(damage=damage.__name__):
                shutil.rmtree(self.run_folder, ignore_errors=True)
                found = self.stopped()
                write(found[-1], damage(read(found[-1])))
                done = roentgym(*self.train, "--resume")
                self.assertEqual((done.returncode, len(done.stderr.splitlines())), (0, 1), done.stderr)
                self.assertIn(f"roentgym train: {found[-1]}: ", done.stderr)
                self.assertIn("trying the state before it", done.stderr)
                self.assert_as_undisturbed()

    def test_two_damaged_states_are_passed_over_and_three_end_it_with_nothing_changed(self):
        found = self.stopped()
        for state in found[1:]:
            write(state, read(state)[:-9])
        shutil.copytree(self.run_folder, self.path("copy"))
        done = roentgym(*self.train, "--resume")
        self.assertEqual((done.returncode, len(done.stderr.splitlines())), (0, 2), done.stderr)
        self.assert_as_undisturbed()
        shutil.rmtree(self.run_folder)
        os.rename(self.path("copy"), self.run_folder)
        write(found[0], b"")
        before = tree(self.run_folder)
        done = roentgym(*self.train, "--resume")
        self.assertEqual(done.returncode, 1)
        self.assertIn(found[-1], done.stderr.splitlines()[-1])
        self.assertEqual(tree(self.run_folder), before)

    def test_a_state_without_a_number_as_runs_used_to_have_is_gone_on_from(self):
        found = self.stopped()
        os.rename(found[-1], os.path.join(self.run_folder, "state.safetensors"))
        for state in found[:-1]:
            os.remove(state)
        self.succeed(*self.train, "--resume")
        os.remove(os.path.join(self.run_folder, "state.safetensors"))  # left for its owner
        self.assert_as_undisturbed()

    def test_a_line_of_metrics_that_was_cut_off_and_lines_too_new_come_again(self):
        self.stopped()
        with open(os.path.join(self.run_folder, "metrics.jsonl"), "a", encoding="ascii") as file:
            file.write('{"kimg":1.900,"side":16}\n{"kimg":2.1,"si')
        self.to_the_end()
        self.assert_as_undisturbed()

    def test_what_a_kill_left_half_written_goes_away_and_nothing_else(self):
        self.stopped()
        for name in ("state-00000.304.safetensors.77.1.tmp", "generator.safetensors.77.2.tmp",
                     "metrics.jsonl.77.3.tmp", "mine.tmp"):
            write(os.path.join(self.run_folder, name), "half")
        self.to_the_end()
        os.remove(os.path.join(self.run_folder, "mine.tmp"))
        self.assert_as_undisturbed()

    def test_a_pyramid_cut_short_while_it_is_in_use_ends_the_run_with_one_line(self):
        data = self.path("data")
        shutil.copytree(phantoms(), data)
        shutil.rmtree(os.path.join(data, "pyramid"), ignore_errors=True)  # as its times would not agree
        self.train[2] = data
        with self.standing(1) as process:
            for name in os.listdir(os.path.join(data, "pyramid")):
                if name.endswith(".u8"):
                    os.truncate(os.path.join(data, "pyramid", name), 5)
            process.send_signal(signal.SIGCONT)
            errors = process.communicate(timeout=300)[1]
        self.assertEqual((process.returncode, len(errors.splitlines())), (1, 1), errors)
        self.assertIn("/data/pyramid/r00", errors)
        self.to_the_end()
        self.assert_as_undisturbed()


class NoLongerLearning(TrainingTest):
    """Runs that stop by themselves. Their step size is next to nothing, so that what is put into a state stays."""

    def begun(self, edit):
        self.succeed(*self.train, *SMALL, "--levels", "4:0/0.1,8:0/0,16:0/3", "--tick-kimg", "0.1", "--lr", "1e-8",
                     "--metric-kimg", "0.1", "--keep", 99)
        for state in states(self.run_folder)[6:]:
            os.remove(state)
        edit_state(states(self.run_folder)[-1], edit)
        return states(self.run_folder)

    def stop_line(self):
        return self.refuse(*self.train, "--resume", "--keep", 1, output=None)

    def test_a_class_that_is_one_image_stops_it_at_the_second_tick(self):
        def edit(_, tensors):
            for name in ("generator", "generator/average"):
                tensors[name][:] = bytes(len(tensors[name]))

        before = self.begun(edit)[-1]
        told = self.stop_line()
        self.assertIn("all samples of a class are one image, for 2 ticks", told)
        self.assertIn(f"--grow-from {before}, the last good state", told)
        self.assertTrue(os.path.exists(before))

    def test_a_saturated_discriminator_stops_it_at_the_third_tick(self):
        def edit(_, tensors):
            last = len(tensors["discriminator"])
            for at in range(last - 120, last, 4):  # the last layer's
                value = struct.unpack_from("<f", tensors["discriminator"], at)[0]
                struct.pack_into("<f", tensors["discriminator"], at, 1e6 * value)

        before = self.begun(edit)[-1]
        told = self.stop_line()
        self.assertIn("the discriminator is saturated", told)
        self.assertIn("for 3 ticks", told)
        self.assertIn(f"--grow-from {before}, the last good state", told)
        self.assertTrue(os.path.exists(before))

    def test_a_metric_far_above_its_best_stops_it_after_five_measurements(self):
        def edit(metadata, _):
            words = metadata["watch"].split()
            words[1] = "0.5"  # the best
            metadata["watch"] = " ".join(words)

        found = self.begun(edit)
        told = self.stop_line()
        self.assertRegex(told, r"collapsed at 1\.1\d kimg: the metric is \d+\.?\d*, more than 3 times its best of 0\.5, ")
        best = told.split("--grow-from ")[1].split(",")[0]
        self.assertIn(best, found)
        self.assertTrue(os.path.exists(best))


class Refused(TrainingTest):
    def test_a_second_training_in_the_same_folder_is_refused(self):
        with self.standing(1) as process:
            before = tree(self.run_folder)
            for more in (BEGIN, ["--resume"]):
                self.refuse(*self.train, *more, text="another training is at work")
            self.assertEqual(tree(self.run_folder), before)
            process.send_signal(signal.SIGCONT)
            self.assertEqual(process.communicate(timeout=300)[1], "")
        self.assert_as_undisturbed()

    def test_a_folder_that_is_locked_before_its_first_state_is_refused(self):
        os.mkdir(self.run_folder)
        descriptor = os.open(self.run_folder, os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        self.refuse(*self.train, *BEGIN, text="another training is at work")
        os.close(descriptor)
        self.assertEqual(os.listdir(self.run_folder), [])

    def test_other_data_are_refused_and_nothing_is_changed(self):
        shutil.copytree(undisturbed(), self.run_folder)
        data = self.path("data")
        shutil.copytree(phantoms(), data)
        os.remove(os.path.join(data, "images/p000000_0.png"))
        shutil.copy(os.path.join(data, "images/p000001_0.png"), os.path.join(data, "images/p000000_0.png"))
        self.train[2] = data
        before = tree(self.run_folder)
        self.refuse(*self.train, "--resume", text="the data set is not the one")
        self.assertEqual(tree(self.run_folder), before)


class FullDisk(TrainingTest):
    def mounted(self, size):
        """A file system of so many bytes at self.run_folder."""
        os.mkdir(self.run_folder)
        made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", self.run_folder],
                              capture_output=True, check=False)
        if made.returncode != 0:
            self.skipTest("only root can mount a small file system")
        self.addCleanup(subprocess.run, ["umount", self.run_folder], capture_output=True, check=False)

    def test_a_disk_that_fills_costs_the_last_interval_and_the_run_goes_on_when_there_is_room(self):
        state = os.path.getsize(states(undisturbed())[-1])
        generator = os.path.getsize(os.path.join(undisturbed(), "generator.safetensors"))
        for states_that_fit in (0.5, 1.5, 2.5, 3.5):
            with self.subTest(states_that_fit=states_that_fit):
                self.mounted(int(states_that_fit * state + generator + 65536))
                done = roentgym(*self.train, *BEGIN)
                self.assertEqual((done.returncode, len(done.stderr.splitlines())), (1, 1), done.stderr)
                self.assertIn("No space left on device", done.stderr)
                names = os.listdir(self.run_folder)
                self.assertEqual([name for name in names if name.endswith(".tmp")], [])
                self.assertGreaterEqual(len(states(self.run_folder)), int(states_that_fit))
                subprocess.run(["mount", "-o", "remount,size=100m", self.run_folder], check=True)
                self.to_the_end()
                self.assert_as_undisturbed()
                subprocess.run(["umount", self.run_folder], check=True)
                os.rmdir(self.run_folder)

    def test_a_file_that_cannot_grow_costs_the_last_interval(self):
        limit = os.path.getsize(os.path.join(undisturbed(), "metrics.jsonl")) // 2
        with self.standing(1) as process:
            process.kill()
            process.communicate()
        before = states(self.run_folder)
        contents = [read(state) for state in before]
        done = roentgym(*self.train, "--resume", file_bytes=limit)
        self.assertEqual((done.returncode, len(done.stderr.splitlines())), (1, 1), done.stderr)
        self.assertEqual([read(state) for state in before], contents)
        self.to_the_end()
        self.assert_as_undisturbed()


if __name__ == "__main__":
    unittest.main()
