"""The process that converts one .mpp file: `python -m pmo_hub_mspdi.mpp_worker SOURCE TARGET HEAP_MB`.

Exit status 3: there is no Java. Anything else but 0: the file can't be read.
"""

from __future__ import annotations

import importlib
import sys

NO_JAVA = 3


def main(source: str, target: str, heap_mb: str) -> int:
    jpype = importlib.import_module("jpype")
    importlib.import_module("mpxj")  # puts its archives on the class path
    try:
        jpype.getDefaultJVMPath()
    except jpype.JVMNotFoundException:
        return NO_JAVA
    # Log4j says on start that it has no configuration; the output is nobody's to read.
    jpype.startJVM(f"-Xmx{int(heap_mb)}m", "-Djava.awt.headless=true", "-Dlog4j2.level=OFF", convertStrings=True)
    project = jpype.JClass("org.mpxj.reader.UniversalProjectReader")().read(source)
    if project is None:
        return 1
    writer = jpype.JClass("org.mpxj.mspdi.MSPDIWriter")()
    writer.setWriteTimephasedData(True)
    writer.write(project, target)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
