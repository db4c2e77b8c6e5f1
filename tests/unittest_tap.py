"""Runs one file of Python unittest cases and prints TAP: `unittest_tap.py FILE`."""

import importlib.util
import os
import sys
import unittest


class TapResult(unittest.TestResult):
    """Prints each result as it comes. A test with several failed subtests counts once."""

    def __init__(self):
        super().__init__()
        self.count = 0
        self.failed = 0
        self.details = []
        self.reason = None

    def startTest(self, test):
        super().startTest(test)
        self.details = []
        self.reason = None

    def addError(self, test, err):
        self.details.append(self._exc_info_to_string(err, test))
        if not isinstance(test, unittest.TestCase):  # setUpClass, setUpModule
            self._print(test)
            self.details = []

    addFailure = addError

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.details.append(f"{subtest}\n" + self._exc_info_to_string(err, test))

    def addUnexpectedSuccess(self, test):
        self.details.append("passed, though marked as an expected failure\n")

    def addSkip(self, test, reason):
        self.reason = reason
        if not isinstance(test, unittest.TestCase):
            self._print(test)
            self.reason = None

    def stopTest(self, test):
        super().stopTest(test)
        self._print(test)
        self.details = []

    def _print(self, test):
        self.count += 1
        name = str(test).split(" ")[0]
        if self.details:
            print(f"not ok {self.count} - {name}")
            for line in "".join(self.details).splitlines():
                print(f"# {line}")
        elif self.reason is not None:
            print(f"ok {self.count} - {name} # SKIP {self.reason}")
        else:
            print(f"ok {self.count} - {name}")
        self.failed += bool(self.details)
        sys.stdout.flush()


def main(path):
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
    spec = importlib.util.spec_from_file_location(os.path.basename(path)[:-3], path)
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except unittest.SkipTest as why:
        print(f"1..0 # SKIP {why}")
        return 0
    result = TapResult()
    unittest.defaultTestLoader.loadTestsFromModule(module).run(result)
    print(f"1..{result.count}")
    return 1 if result.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
