"""Kedro-Viz of the study as a folder of files, ``build/viz``, that needs no Kedro and no network to be looked at.

``kedro viz build`` does nearly that; but it exits with 0 where it fails, its page asks another server for a font, and
it clears nothing away. Whose rows and images are shown says ``previews`` (conf/base/globals.yml); the environment is
that of KEDRO_ENV.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

from faircmr.core import FaircmrError

SITE = Path("build/viz")
FOREIGN = re.compile(r"""<link[^>]*(?:fonts\.googleapis|fonts\.gstatic)\.com[^>]*>""")
UNUSED = ("autoreload.html", "telemetry.html")


def main() -> None:
    import kedro_viz
    from fsspec.implementations.local import LocalFileSystem  # type: ignore[import-untyped]
    from kedro.framework.startup import bootstrap_project
    from kedro_viz.api.rest.responses.metadata import MetadataAPIResponse, get_metadata_response
    from kedro_viz.api.rest.responses.save_responses import save_api_responses_to_fs, write_api_response_to_fs
    from kedro_viz.server import load_and_populate_data

    files = LocalFileSystem()
    package = bootstrap_project(Path.cwd()).package_name
    load_and_populate_data(Path.cwd(), package_name=package)
    shutil.rmtree(SITE, ignore_errors=True)
    html = Path(kedro_viz.__file__).parent / "html"
    shutil.copytree(html, SITE, ignore=shutil.ignore_patterns(*UNUSED))
    index = SITE / "index.html"
    index.write_text(FOREIGN.sub("", index.read_text()))
    save_api_responses_to_fs(str(SITE), files, is_all_previews_enabled=True)
    compatible = get_metadata_response().package_compatibilities
    write_api_response_to_fs(f"{SITE}/api/metadata", MetadataAPIResponse(package_compatibilities=compatible), files)
    (SITE / "api" / "deploy-viz-metadata").write_text("{}")
    print(f"{SITE}: look at it with python -m http.server --directory {SITE}")


if __name__ == "__main__":
    try:
        main()
    except FaircmrError as error:
        sys.exit(f"Error: {error}")
