# SPDX-License-Identifier: MIT
"""tally.py FOLDER [PART ...] - sums the JUnit files of a run: `N passed, N failed`.

FOLDER has a folder of files for each part. Those that are named have failed: one that broke off
without a failing test (a build, a crash) counts one.
"""

import pathlib
import sys
import xml.etree.ElementTree as ET


def count(files):
    """(passed, failed)"""
    cases = [{child.tag for child in case}
             for file in files for case in ET.parse(file).iter("testcase")]
    return (sum(not tags & {"failure", "error", "skipped"} for tags in cases),
            sum(bool(tags & {"failure", "error"}) for tags in cases))


folder, broken = pathlib.Path(sys.argv[1]), sys.argv[2:]
passed, failed = count(folder.glob("*/*.xml"))
failed += sum(count((folder / part).glob("*.xml"))[1] == 0 for part in broken)
print(f"{passed} passed, {failed} failed")
