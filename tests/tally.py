# SPDX-License-Identifier: MIT
"""tally.py - sums the JUnit files of a folder: `N passed, N failed`.

With --failed, a run that broke off without a failing test (a build, a crash) still counts one.
"""

import pathlib
import sys
import xml.etree.ElementTree as ET

cases = [
    {child.tag for child in case}
    for file in pathlib.Path(sys.argv[1]).glob("*.xml")
    for case in ET.parse(file).iter("testcase")
]
failed = sum(bool(tags & {"failure", "error"}) for tags in cases)
passed = sum(not tags & {"failure", "error", "skipped"} for tags in cases)
if "--failed" in sys.argv:
    failed = max(failed, 1)
print(f"{passed} passed, {failed} failed")
