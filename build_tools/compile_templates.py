"""Replaces the page's templates by compiled Python, so that none is read or parsed at run time.

compile_templates.py <checkout/page>
"""

import shutil
import sys
from pathlib import Path

from checkout.page.templating import SOURCES, Sources, environment

page = Path(sys.argv[1])
environment(Sources(SOURCES)).compile_templates(page / "compiled", zip=None, ignore_errors=False)
shutil.rmtree(page / "templates")
