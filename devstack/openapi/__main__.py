"""`python -m devstack.openapi`: writes the OpenAPI documents."""

from devstack.openapi.document import DOCUMENTS, render

if __name__ == "__main__":
    for api, file in DOCUMENTS.items():
        file.write_text(render(api), "utf-8")
