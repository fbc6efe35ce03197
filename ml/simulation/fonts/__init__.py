"""OCRB.otf, the OCR-B type face of the specimens; its copyright text is OCRB-copyright.txt, its origin in README.md."""
