"""What every figure is drawn with: style, layout, axes, and the way into SVG, PDF and PNG."""
