//! Pictures of one colour: real PNGs that are small however large they are.

/// A PNG of this size and colour (`0xRRGGBB`) with these texts in it. One bit a pixel and a
/// palette: a picture of 1024 by 1024 has a few hundred bytes.
pub(crate) fn png(width: u32, height: u32, color: u32, texts: &[(&str, String)]) -> Vec<u8> {
    let (width, height) = (width.clamp(1, 16_384), height.clamp(1, 16_384));
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::One);
    let [_, red, green, blue] = color.to_be_bytes();
    encoder.set_palette(vec![red, green, blue]);
    let row = usize::try_from(width.div_ceil(8)).unwrap_or_default();
    let rows = usize::try_from(height).unwrap_or_default();
    let write = || -> Result<(), png::EncodingError> {
        for (name, text) in texts {
            encoder.add_itxt_chunk((*name).to_owned(), text.clone())?;
        }
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&vec![0; row * rows])?;
        writer.finish()
    };
    if let Err(error) = write() {
        tracing::error!(%error, "a picture could not be encoded");
    }
    bytes
}

/// The width and height that a PNG says it has.
#[must_use]
pub fn size_of_png(bytes: &[u8]) -> Option<(u32, u32)> {
    let rest = bytes.strip_prefix(b"\x89PNG\r\n\x1a\n")?;
    let header = rest.get(4..)?.strip_prefix(b"IHDR")?;
    let number = |at: usize| {
        let bytes = header.get(at..at + 4)?;
        Some(u32::from_be_bytes(bytes.try_into().ok()?))
    };
    Some((number(0)?, number(4)?))
}
